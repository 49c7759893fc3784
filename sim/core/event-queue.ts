// What will happen when, in simulated time: a heap of plain numbers, because a large run has tens of millions of
// events and an object for each would cost more than the event. Equal times keep the order in which they were pushed.

/** Children of each entry: a flat heap has fewer levels, and its siblings share a cache line. */
const ARITY = 4;
const CAPACITY_FIRST = 1024;
/** Numbers that travel with an event. */
const FIELDS = 5;

export class EventQueue {
  /** The event that {@link pop} took last. */
  at = 0;
  kind = 0;
  a = 0;
  b = 0;
  c = 0;
  d = 0;
  #size = 0;
  #pushed = 0;
  /** By place in the heap: time, number of its push, and which row of `#fields` is the event's. */
  #times = new Float64Array(CAPACITY_FIRST);
  #orders = new Float64Array(CAPACITY_FIRST);
  #rows = new Int32Array(CAPACITY_FIRST);
  #fields = new Int32Array(CAPACITY_FIRST * FIELDS);
  /** Rows of events that are over. */
  #freeRows = new Int32Array(CAPACITY_FIRST);
  #freeCount = 0;

  get size(): number {
    return this.#size;
  }

  push(at: number, kind: number, a: number, b = 0, c = 0, d = 0): void {
    if (this.#size === this.#times.length) this.#grow();
    const row = this.#freeCount > 0 ? (this.#freeRows[--this.#freeCount] ?? 0) : this.#size;
    const fields = this.#fields;
    const from = row * FIELDS;
    fields[from] = kind;
    fields[from + 1] = a;
    fields[from + 2] = b;
    fields[from + 3] = c;
    fields[from + 4] = d;
    this.#rise(at, this.#pushed++, row);
    this.#size += 1;
  }

  /** False when nothing is left to happen. */
  pop(): boolean {
    if (this.#size === 0) return false;
    const row = this.#rows[0] ?? 0;
    this.at = this.#times[0] ?? 0;
    const fields = this.#fields;
    const from = row * FIELDS;
    this.kind = fields[from] ?? 0;
    this.a = fields[from + 1] ?? 0;
    this.b = fields[from + 2] ?? 0;
    this.c = fields[from + 3] ?? 0;
    this.d = fields[from + 4] ?? 0;
    this.#freeRows[this.#freeCount++] = row;
    this.#size -= 1;
    if (this.#size > 0) this.#sink(this.#size);
    return true;
  }

  #rise(at: number, order: number, row: number): void {
    const times = this.#times;
    let place = this.#size;
    // Pushed later than everything here: only an earlier time goes before.
    while (place > 0) {
      const parent = Math.floor((place - 1) / ARITY);
      if ((times[parent] ?? 0) <= at) break;
      this.#move(parent, place);
      place = parent;
    }
    this.#put(place, at, order, row);
  }

  /** Takes the entry at `last` for the first one and lets it sink to where it belongs. */
  #sink(last: number): void {
    const at = this.#times[last] ?? 0;
    const order = this.#orders[last] ?? 0;
    const row = this.#rows[last] ?? 0;
    let place = 0;
    while (true) {
      const child = this.#firstOf(place * ARITY + 1, last);
      if (child === -1 || !this.#isBefore(child, at, order)) break;
      this.#move(child, place);
      place = child;
    }
    this.#put(place, at, order, row);
  }

  /** The earliest of up to ARITY siblings; -1 when there is none. */
  #firstOf(from: number, size: number): number {
    if (from >= size) return -1;
    const to = Math.min(from + ARITY, size);
    let first = from;
    for (let place = from + 1; place < to; place += 1)
      if (this.#isBefore(place, this.#times[first] ?? 0, this.#orders[first] ?? 0)) first = place;
    return first;
  }

  #isBefore(place: number, at: number, order: number): boolean {
    const time = this.#times[place] ?? 0;
    return time < at || (time === at && (this.#orders[place] ?? 0) < order);
  }

  #move(from: number, to: number): void {
    this.#put(to, this.#times[from] ?? 0, this.#orders[from] ?? 0, this.#rows[from] ?? 0);
  }

  #put(place: number, at: number, order: number, row: number): void {
    this.#times[place] = at;
    this.#orders[place] = order;
    this.#rows[place] = row;
  }

  #grow(): void {
    const capacity = this.#times.length * 2;
    this.#times = grown(this.#times, new Float64Array(capacity));
    this.#orders = grown(this.#orders, new Float64Array(capacity));
    this.#rows = grown(this.#rows, new Int32Array(capacity));
    this.#fields = grown(this.#fields, new Int32Array(capacity * FIELDS));
    this.#freeRows = grown(this.#freeRows, new Int32Array(capacity));
  }
}

function grown<T extends Float64Array | Int32Array>(old: T, larger: T): T {
  larger.set(old);
  return larger;
}

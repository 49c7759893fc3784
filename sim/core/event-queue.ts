// What will happen when, in simulated time: a heap of plain numbers, because a large run has tens of millions of
// events and an object for each would cost more than the event. Equal times keep the order in which they were pushed.

/** Children of each entry: a flat heap has fewer levels, and its siblings share a cache line. */
const ARITY = 4;
const CAPACITY_FIRST = 1024;

export class EventQueue {
  /** The event that {@link pop} took last. */
  at = 0;
  kind = 0;
  subject = 0;
  detail = 0;
  #size = 0;
  #pushed = 0;
  /** By place in the heap: time, number of its push, and in which row the rest of it is. */
  #times = new Float64Array(CAPACITY_FIRST);
  #orders = new Float64Array(CAPACITY_FIRST);
  #rows = new Int32Array(CAPACITY_FIRST);
  #kinds = new Int32Array(CAPACITY_FIRST);
  #subjects = new Int32Array(CAPACITY_FIRST);
  #details = new Float64Array(CAPACITY_FIRST);
  /** Rows of events that are over. */
  #freeRows = new Int32Array(CAPACITY_FIRST);
  #freeCount = 0;

  get size(): number {
    return this.#size;
  }

  /** `subject` is whom it happens to, an integer; `detail` any number that says more. */
  push(at: number, kind: number, subject: number, detail = 0): void {
    if (this.#size === this.#times.length) this.#grow();
    const row = this.#freeCount > 0 ? (this.#freeRows[--this.#freeCount] ?? 0) : this.#size;
    this.#kinds[row] = kind;
    this.#subjects[row] = subject;
    this.#details[row] = detail;
    this.#rise(at, this.#pushed++, row);
    this.#size += 1;
  }

  /** False when nothing is left to happen. */
  pop(): boolean {
    if (this.#size === 0) return false;
    const row = this.#rows[0] ?? 0;
    this.at = this.#times[0] ?? 0;
    this.kind = this.#kinds[row] ?? 0;
    this.subject = this.#subjects[row] ?? 0;
    this.detail = this.#details[row] ?? 0;
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
    this.#kinds = grown(this.#kinds, new Int32Array(capacity));
    this.#subjects = grown(this.#subjects, new Int32Array(capacity));
    this.#details = grown(this.#details, new Float64Array(capacity));
    this.#freeRows = grown(this.#freeRows, new Int32Array(capacity));
  }
}

function grown<T extends Float64Array | Int32Array>(old: T, larger: T): T {
  larger.set(old);
  return larger;
}

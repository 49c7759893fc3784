// Runs of the artifact that are being served, in memory: the least recently used goes first.
// Bounded by count; a run that is being read is shared by all who want it. Never knows what the bytes are.

type Entry = Uint8Array | Promise<Uint8Array>;

export class ExtentCache {
  readonly #entries = new Map<number, Entry>();
  readonly #entriesMax: number;

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax;
  }

  /** The entry, at once when it is here; `load` runs once however many ask. A failed load is forgotten. */
  get(key: number, load: () => Promise<Uint8Array>): Entry {
    const entry = this.#entries.get(key);
    if (entry === undefined) return this.#load(key, load);
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry;
  }

  put(key: number, bytes: Uint8Array): void {
    this.#entries.delete(key);
    this.#entries.set(key, bytes);
    this.#evict();
  }

  async #load(key: number, load: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const loading = load();
    this.#entries.set(key, loading);
    this.#evict();
    try {
      const bytes = await loading;
      if (this.#entries.get(key) === loading) this.#entries.set(key, bytes);
      return bytes;
    } catch (error) {
      if (this.#entries.get(key) === loading) this.#entries.delete(key);
      throw error;
    }
  }

  #evict(): void {
    for (const key of this.#entries.keys()) {
      if (this.#entries.size <= this.#entriesMax) return;
      this.#entries.delete(key);
    }
  }
}

// Runs of the artifact that are being served, in memory that is used again and again.
// A run is leased while its bytes are on their way into sockets; of those without a lease, the least recently used
// goes first. Bounded by count: while every run is leased, which takes remotes that do not read, it takes no more.

/** Bytes that stay as they are until the lease is given back. */
export interface Lease {
  readonly bytes: Buffer;
  release(): void;
}

/** Fills the buffer with the run. */
export type LoadExtent = (buffer: Buffer) => Promise<void>;

interface Extent {
  readonly buffer: Buffer;
  /** Leases that are out or promised. */
  users: number;
  loading: Promise<void> | null;
}

interface Range {
  readonly from: number;
  readonly to: number;
}

export class ExtentCache {
  /** Least recently used first. */
  readonly #extents = new Map<number, Extent>();
  /** The memory of the run that made room last. */
  #spare: Buffer | null = null;
  readonly #extentsMax: number;
  readonly #extentBytes: number;

  constructor(options: { extentsMax: number; extentBytes: number }) {
    this.#extentsMax = options.extentsMax;
    this.#extentBytes = options.extentBytes;
  }

  /**
   * A part of a run, at once when it is here; `load` runs once however many ask. A failed load is forgotten.
   * Null when the run is not here and there is no room for it.
   */
  lease(key: number, range: Range, load: LoadExtent): Lease | Promise<Lease> | null {
    const known = this.#extents.get(key);
    if (known === undefined && !this.#makeRoom()) return null;
    const extent = known ?? this.#load(key, load);
    extent.users += 1;
    this.#extents.delete(key);
    this.#extents.set(key, extent);
    if (extent.loading === null) return this.#leaseOf(extent, range);
    return extent.loading.then(() => this.#leaseOf(extent, range));
  }

  /** Keeps a copy of a run that is at hand anyway, when there is room. */
  put(key: number, bytes: Uint8Array): void {
    if (this.#extents.has(key) || !this.#makeRoom()) return;
    const buffer = this.#spare ?? Buffer.allocUnsafeSlow(this.#extentBytes);
    this.#spare = null;
    buffer.set(bytes);
    this.#extents.set(key, { buffer, users: 0, loading: null });
  }

  #leaseOf(extent: Extent, { from, to }: Range): Lease {
    return {
      bytes: extent.buffer.subarray(from, to),
      release: () => {
        extent.users -= 1;
      },
    };
  }

  #load(key: number, load: LoadExtent): Extent {
    const buffer = this.#spare ?? Buffer.allocUnsafeSlow(this.#extentBytes);
    this.#spare = null;
    const extent: Extent = { buffer, users: 0, loading: null };
    extent.loading = load(buffer).then(
      () => {
        extent.loading = null;
      },
      (error: unknown) => {
        if (this.#extents.get(key) === extent) this.#extents.delete(key);
        throw error;
      },
    );
    return extent;
  }

  #makeRoom(): boolean {
    if (this.#extents.size < this.#extentsMax) return true;
    for (const [key, extent] of this.#extents) {
      if (extent.users > 0) continue;
      this.#extents.delete(key);
      this.#spare = extent.buffer;
      return true;
    }
    return false;
  }
}

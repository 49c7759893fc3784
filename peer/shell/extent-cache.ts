// Runs of the artifact that are being served, in memory that is used again and again.
// A run is leased while its bytes are on their way into sockets; of those without a lease, the least recently used
// goes first. Bounded by count, but for runs that are all leased at once.

/** Bytes that stay as they are until the lease is given back. */
export interface Lease {
  readonly bytes: Buffer;
  release(): void;
}

/** Fills the buffer with the run. */
export type LoadExtent = (buffer: Buffer) => Promise<void>;

interface Extent {
  readonly key: number;
  readonly buffer: Buffer;
  /** Leases that are out or promised. */
  users: number;
  loading: Promise<void> | null;
  cached: boolean;
}

interface Range {
  readonly from: number;
  readonly to: number;
}

export class ExtentCache {
  /** Least recently used first. */
  readonly #extents = new Map<number, Extent>();
  readonly #free: Buffer[] = [];
  readonly #extentsMax: number;
  readonly #extentBytes: number;

  constructor(options: { extentsMax: number; extentBytes: number }) {
    this.#extentsMax = options.extentsMax;
    this.#extentBytes = options.extentBytes;
  }

  /** A part of a run, at once when it is here; `load` runs once however many ask. A failed load is forgotten. */
  lease(key: number, range: Range, load: LoadExtent): Lease | Promise<Lease> {
    const extent = this.#extents.get(key) ?? this.#load(key, load);
    extent.users += 1;
    this.#extents.delete(key);
    this.#extents.set(key, extent);
    this.#evict();
    if (extent.loading === null) return this.#leaseOf(extent, range);
    return extent.loading.then(() => this.#leaseOf(extent, range));
  }

  #leaseOf(extent: Extent, { from, to }: Range): Lease {
    return {
      bytes: extent.buffer.subarray(from, to),
      release: () => {
        extent.users -= 1;
        this.#recycle(extent);
      },
    };
  }

  #load(key: number, load: LoadExtent): Extent {
    const buffer = this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#extentBytes);
    const extent: Extent = { key, buffer, users: 0, loading: null, cached: true };
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

  #evict(): void {
    for (const [key, extent] of this.#extents) {
      if (this.#extents.size <= this.#extentsMax) return;
      if (extent.users > 0) continue;
      this.#extents.delete(key);
      extent.cached = false;
      this.#recycle(extent);
    }
  }

  #recycle(extent: Extent): void {
    if (!extent.cached && extent.users === 0 && this.#free.length < this.#extentsMax)
      this.#free.push(extent.buffer);
  }
}

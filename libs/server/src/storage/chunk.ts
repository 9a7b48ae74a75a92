/**
 * A chunk is a stretch of the log. Positions are logical and never change; a chunk that was scavenged keeps only some of its
 * records, so a position is translated to an offset through its extents (runs of positions that are stored one after another).
 */
export interface Chunk {
  /** The position of its first byte. */
  readonly start: number;
  /** The position behind its last durable byte. */
  readonly end: number;
  /** Whether records were taken out of it. */
  readonly isScavenged: boolean;
  /** Bytes of records stored. */
  readonly size: number;
  /** The offset where `position` stands or, when that was scavenged, the next one that was kept. */
  offsetOf(position: number): number;
  /** Up to `length` bytes from `offset`; fewer only at the end. Stays valid. */
  read(offset: number, length: number): Buffer;
}

/** A chunk that records can be added to. */
export interface WritableChunk extends Chunk {
  /** Resolves when the bytes are on disk; only then does `end` move. */
  append(bytes: Buffer): Promise<void>;
}

/** [position, offset, length] triples, ascending. */
export type Extents = readonly (readonly [position: number, offset: number, length: number])[];

export function offsetInExtents(extents: Extents, position: number, size: number): number {
  let low = 0;
  let high = extents.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const extent = extents[middle];
    if (extent && extent[0] + extent[2] <= position) low = middle + 1;
    else high = middle;
  }
  const extent = extents[low];
  if (!extent) return size;
  return extent[1] + Math.max(0, position - extent[0]);
}

const FIRST_SIZE = 64 * 1024;

/** Lives in memory; appending is copying. */
export class MemoryChunk implements WritableChunk {
  private buffer = Buffer.allocUnsafeSlow(FIRST_SIZE);
  size = 0;

  constructor(
    readonly start: number,
    private readonly extents?: Extents,
    private readonly logicalEnd?: number,
  ) {}

  get isScavenged(): boolean {
    return this.extents !== undefined;
  }
  get end(): number {
    return this.logicalEnd ?? this.start + this.size;
  }

  offsetOf(position: number): number {
    if (this.extents) return offsetInExtents(this.extents, position, this.size);
    return Math.min(this.size, Math.max(0, position - this.start));
  }

  read(offset: number, length: number): Buffer {
    return this.buffer.subarray(offset, Math.min(this.size, offset + length));
  }

  append(bytes: Buffer): Promise<void> {
    this.add(bytes);
    return Promise.resolve();
  }

  add(bytes: Buffer): void {
    const needed = this.size + bytes.length;
    if (needed > this.buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.buffer.length * 2));
      this.buffer.copy(larger, 0, 0, this.size);
      this.buffer = larger;
    }
    bytes.copy(this.buffer, this.size);
    this.size = needed;
  }
}

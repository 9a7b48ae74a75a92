/**
 * The log: all records in the order of their positions, in chunks. A record's position is the logical offset of its first
 * byte. Everything else the server knows (indexes, metadata, ...) can be rebuilt from it.
 */
import type { Chunk, WritableChunk } from './chunk.js';
import { EventRecord, recordLengthAt } from './event-record.js';
import { HEADER, MARKER_LENGTH, TRAILER } from './record-format.js';

/** 0 stays free, so that "from position 0" and "from the start" are the same. */
export const FIRST_POSITION = 64;
const SCAN_BLOCK = 256 * 1024;
const NEAR_BLOCK = 64 * 1024;
const SMALL_BLOCK = 4096;
const GROWTH = 4;

/** Where chunks come from: memory or a folder. */
export interface ChunkSource {
  readonly chunkSize: number;
  create(start: number): Promise<WritableChunk> | WritableChunk;
  /** Puts a chunk that holds only `records` of `old` in its place. */
  rewrite(old: Chunk, records: Iterable<EventRecord>): Promise<Chunk>;
  close(): void;
}

export class Log {
  private chunks: Chunk[] = [];
  private active: WritableChunk | undefined;
  private block: { chunk: Chunk; offset: number; buffer: Buffer } | undefined;
  /** Counts replaced chunks, so that cursors notice. */
  version = 0;

  constructor(private readonly source: ChunkSource) {}

  /** Takes over what was found on disk; `active` is the last chunk, if it can still grow. */
  adopt(chunks: Chunk[], active: WritableChunk | undefined): void {
    this.chunks = chunks;
    this.active = active;
  }

  get start(): number {
    return this.chunks[0]?.start ?? FIRST_POSITION;
  }

  /** The position behind the last durable record. */
  get end(): number {
    return this.chunks.at(-1)?.end ?? FIRST_POSITION;
  }

  /** Bytes that the records take. */
  get size(): number {
    return this.chunks.reduce((sum, chunk) => sum + chunk.size, 0);
  }

  /** The chunks that no longer grow. */
  get completed(): readonly Chunk[] {
    return this.chunks.filter((chunk) => chunk !== this.active);
  }

  /** Begins a new chunk when the active one is full, or always when `force` is set and it holds anything. */
  async roll(force: boolean): Promise<void> {
    if (this.active && (force ? this.active.size === 0 : this.active.size < this.source.chunkSize)) return;
    const chunk = await this.source.create(this.end);
    this.chunks.push(chunk);
    this.active = chunk;
  }

  /** Resolves when the bytes, which begin at {@link end}, are durable and readable. */
  async write(bytes: Buffer): Promise<void> {
    await this.roll(false);
    await this.active?.append(bytes);
  }

  async replace(old: Chunk, records: Iterable<EventRecord>): Promise<void> {
    const chunk = await this.source.rewrite(old, records);
    this.chunks[this.chunks.indexOf(old)] = chunk;
    this.block = undefined;
    this.version++;
  }

  close(): void {
    this.block = undefined;
    this.source.close();
  }

  /** The record that begins exactly at `position`. Neighbours are fetched along and served from memory. */
  recordAt(position: number): EventRecord | undefined {
    if (position >= this.end) return undefined;
    const chunk = this.chunkOf(position);
    if (!chunk) return undefined;
    const offset = chunk.offsetOf(position);
    const record = this.recordIn(chunk, offset);
    return record && record.position === position ? record : undefined;
  }

  /** Records at or behind `from`, ascending, up to what is durable when each is asked for. */
  forward(from: number): ForwardCursor {
    return new ForwardCursor(this, Math.max(from, this.start));
  }

  /** Records before `from`, descending. */
  backward(from: number): BackwardCursor {
    return new BackwardCursor(this, Math.min(from, this.end));
  }

  /** The position of the first record at or behind `position`, which need not be where a record begins. */
  boundary(position: number): number {
    if (position <= this.start) return this.start;
    if (position >= this.end) return this.end;
    if (this.recordAt(position)?.intact) return position;
    const chunk = this.chunkOf(position);
    if (!chunk) return this.end;
    const cursor = this.forward(chunk.start);
    for (let record = cursor.next(); record; record = cursor.next())
      if (record.position >= position) return record.position;
    return this.end;
  }

  chunkOf(position: number): Chunk | undefined {
    let low = 0;
    let high = this.chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.chunks[middle]?.start ?? Infinity) <= position) low = middle;
      else high = middle - 1;
    }
    return this.chunks[low];
  }

  chunkBehind(chunk: Chunk): Chunk | undefined {
    return this.chunks[this.chunks.findIndex((other) => other.start === chunk.start) + 1];
  }

  private recordIn(chunk: Chunk, offset: number): EventRecord | undefined {
    if (offset + MARKER_LENGTH > chunk.size) return undefined;
    const known = this.block;
    if (known?.chunk === chunk && offset >= known.offset) {
      const inside = offset - known.offset;
      const length = recordLengthAt(known.buffer, inside);
      if (length >= MARKER_LENGTH && inside + length <= known.buffer.length)
        return new EventRecord(known.buffer, inside);
    }
    const near = known?.chunk === chunk && offset >= known.offset && offset - known.offset < 2 * NEAR_BLOCK;
    // Many streams are short, so the block grows only while reading goes on.
    const ahead = near ? Math.min(NEAR_BLOCK, Math.max(SMALL_BLOCK, GROWTH * known.buffer.length)) : SMALL_BLOCK;
    let buffer = chunk.read(offset, ahead);
    const length = recordLengthAt(buffer, 0);
    if (length < MARKER_LENGTH) return undefined;
    if (length > buffer.length) buffer = chunk.read(offset, length);
    if (length > buffer.length) return undefined;
    this.block = { chunk, offset, buffer };
    return new EventRecord(buffer, 0);
  }
}

export class ForwardCursor {
  private version = -1;
  private chunk: Chunk | undefined;
  private offset = 0;
  private block: Buffer = Buffer.alloc(0);
  private blockOffset = 0;

  /** `position` must be a boundary, see {@link Log.boundary}. */
  constructor(
    private readonly log: Log,
    private position: number,
  ) {}

  next(): EventRecord | undefined {
    for (;;) {
      if (this.position >= this.log.end) return undefined;
      if (!this.chunk || this.version !== this.log.version) {
        this.version = this.log.version;
        this.chunk = this.log.chunkOf(this.position);
        if (!this.chunk) return undefined;
        this.offset = this.chunk.offsetOf(this.position);
        this.block = Buffer.alloc(0);
        this.blockOffset = this.offset;
      }
      const record = this.take(this.chunk);
      if (record) return record;
      const following = this.log.chunkBehind(this.chunk);
      if (!following) return undefined;
      this.position = following.start;
      this.chunk = undefined;
    }
  }

  private take(chunk: Chunk): EventRecord | undefined {
    if (this.offset >= chunk.size) return undefined;
    let inside = this.offset - this.blockOffset;
    let length = recordLengthAt(this.block, inside);
    if (length < MARKER_LENGTH || inside + length > this.block.length) {
      this.block = chunk.read(this.offset, SCAN_BLOCK);
      this.blockOffset = this.offset;
      inside = 0;
      length = recordLengthAt(this.block, 0);
      if (length > this.block.length) this.block = chunk.read(this.offset, length);
      if (length < MARKER_LENGTH || length > this.block.length) return undefined;
    }
    const record = new EventRecord(this.block, inside);
    this.offset += length;
    this.position = record.position + length;
    return record;
  }
}

export class BackwardCursor {
  private version = -1;
  private chunk: Chunk | undefined;
  private offset = 0;
  private block: Buffer = Buffer.alloc(0);
  private blockOffset = 0;

  /** `before` must be a boundary, see {@link Log.boundary}. */
  constructor(
    private readonly log: Log,
    private before: number,
  ) {}

  next(): EventRecord | undefined {
    while (this.before > this.log.start) {
      if (!this.chunk || this.version !== this.log.version) this.find();
      if (!this.chunk) return undefined;
      const record = this.take(this.chunk);
      if (record) {
        this.before = record.position;
        return record;
      }
      this.before = this.chunk.start;
      this.chunk = undefined;
    }
    return undefined;
  }

  private find(): void {
    this.version = this.log.version;
    this.chunk = this.log.chunkOf(this.before - 1);
    if (!this.chunk) return;
    this.offset = this.before >= this.chunk.end ? this.chunk.size : this.chunk.offsetOf(this.before);
    this.block = Buffer.alloc(0);
    this.blockOffset = this.offset;
  }

  private take(chunk: Chunk): EventRecord | undefined {
    if (this.offset < HEADER + TRAILER) return undefined;
    const trailer = this.bytes(chunk, this.offset - TRAILER, TRAILER);
    const length = trailer.buffer.readUInt32LE(trailer.at);
    if (length < MARKER_LENGTH || length > this.offset) return undefined;
    const found = this.bytes(chunk, this.offset - length, length);
    this.offset -= length;
    return new EventRecord(found.buffer, found.at);
  }

  private bytes(chunk: Chunk, offset: number, length: number): { buffer: Buffer; at: number } {
    const inside = offset - this.blockOffset;
    if (inside >= 0 && inside + length <= this.block.length) return { buffer: this.block, at: inside };
    const end = offset + length;
    const start = Math.max(0, end - Math.max(SCAN_BLOCK, length));
    this.block = chunk.read(start, end - start);
    this.blockOffset = start;
    return { buffer: this.block, at: offset - start };
  }
}

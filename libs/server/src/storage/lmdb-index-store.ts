/**
 * The index on disk, in LMDB: `streams` (name -> entry), `blocks` (stream number, first revision -> 64 positions) and `state`
 * (how far the log is indexed). Nothing here is needed for durability: what a crash loses is read from the log again.
 */
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import type { Database, RootDatabase } from 'lmdb';
import { ProtoReader, varintLength, VarintReader, writeVarint } from '../protocol/protobuf.js';
import type { IndexStore } from './index-store.js';
import { BLOCK, StreamEntry } from './stream-entry.js';

/** LMDB's keys are at most 1978 bytes; longer names are shortened and hashed. */
const LONGEST_KEY = 1024;
/** Entries written per transaction: small enough to leave the event loop free, large enough that neighbours share pages and a flush. */
const SLICE = 512;

const NO_NAME = Buffer.alloc(0);
const CHECKPOINT = Buffer.from('checkpoint');
const NEXT_NUMBER = Buffer.from('next-number');

type Table = Database<Buffer, Buffer>;

export interface IndexCheckpoint {
  /** All records before it are in the index. */
  readonly position: number;
  readonly group: number;
}

export class LmdbIndexStore implements IndexStore {
  readonly persistent = true;
  private readonly streams: Table;
  private readonly blocks: Table;
  private readonly state: Table;
  private nextNumber: number;

  private constructor(private readonly root: RootDatabase<Buffer, Buffer>) {
    const options = { encoding: 'binary', keyEncoding: 'binary' } as const;
    this.streams = root.openDB<Buffer, Buffer>('streams', options);
    this.blocks = root.openDB<Buffer, Buffer>('blocks', options);
    this.state = root.openDB<Buffer, Buffer>('state', options);
    this.nextNumber = numbers(this.state.get(NEXT_NUMBER))[0] ?? 1;
  }

  static async open(path: string): Promise<LmdbIndexStore> {
    mkdirSync(path, { recursive: true });
    const { open } = await import('lmdb');
    return new LmdbIndexStore(
      open<Buffer, Buffer>({
        path,
        noSubdir: false,
        encoding: 'binary',
        keyEncoding: 'binary',
        maxDbs: 4,
        cache: false,
      }),
    );
  }

  get checkpoint(): IndexCheckpoint | undefined {
    const [position, group] = numbers(this.state.get(CHECKPOINT));
    return position === undefined || group === undefined ? undefined : { position, group };
  }

  async saveCheckpoint({ position, group }: IndexCheckpoint): Promise<void> {
    await this.state.put(CHECKPOINT, varints([position, group]));
    await this.root.flushed;
  }

  load(name: string): StreamEntry | undefined {
    if (name === '') return undefined; // a link may point at it; LMDB knows no empty keys
    // The row is valid until the next one is asked for; a copy of each would be most of the work.
    const row = this.streams.getBinaryFast(keyOf(name));
    return row && decodeEntry(name, row);
  }

  block(number: number, first: number): readonly number[] {
    return deltas(numbers(this.blocks.get(blockKey(number, first))));
  }

  async save(entries: readonly StreamEntry[]): Promise<void> {
    // LMDB copies each page that a transaction touches: in the order of the keys it is touched once, and not once per entry.
    const sorted = [...entries].sort(byName);
    for (let i = 0; i < sorted.length; i += SLICE) await this.saveSlice(sorted.slice(i, i + SLICE));
    await this.root.flushed;
  }

  async close(): Promise<void> {
    await this.root.close();
  }

  private async saveSlice(entries: readonly StreamEntry[]): Promise<void> {
    const spilled: number[] = [];
    await this.root.batch(() => {
      for (const entry of entries) spilled.push(this.saveEntry(entry));
    });
    entries.forEach((entry, i) => {
      const count = spilled[i] ?? 0;
      if (count === 0) return;
      entry.tail = entry.tail.slice(count);
      entry.tailStart += count;
    });
  }

  /** Returns how many positions of the tail now stand in blocks. */
  private saveEntry(entry: StreamEntry): number {
    // At least one position stays: it tells how far the stream is indexed.
    const keep = Math.floor(entry.head / BLOCK) * BLOCK;
    const spill = Math.max(0, keep - entry.tailStart);
    if (spill > 0 && entry.number < 0) {
      entry.number = this.nextNumber++;
      void this.state.put(NEXT_NUMBER, varints([this.nextNumber]));
    }
    for (let i = 0; i < spill; i += BLOCK)
      void this.blocks.put(
        blockKey(entry.number, entry.tailStart + i),
        varints(asDeltas(entry.tail.slice(i, i + BLOCK))),
      );
    void this.streams.put(keyOf(entry.name), encodeEntry(entry, spill));
    return spill;
  }
}

/** Nearly the order of the keys: UTF-16 and UTF-8 differ in rare characters, and here only neighbourhood counts. */
const byName = (a: StreamEntry, b: StreamEntry): number => (a.name < b.name ? -1 : 1);

function keyOf(name: string): Buffer {
  const bytes = Buffer.from(name, 'utf8');
  if (bytes.length <= LONGEST_KEY) return bytes;
  return Buffer.concat([bytes.subarray(0, LONGEST_KEY), createHash('sha256').update(bytes).digest()]);
}

function blockKey(number: number, first: number): Buffer {
  const key = Buffer.allocUnsafe(12);
  key.writeUIntBE(number, 0, 6);
  key.writeUIntBE(first, 6, 6);
  return key;
}

function varints(values: readonly number[]): Buffer {
  const out = Buffer.allocUnsafe(values.reduce((sum, value) => sum + varintLength(value), 0));
  let at = 0;
  for (const value of values) at = writeVarint(out, at, value);
  return out;
}

function numbers(bytes: Buffer | undefined): number[] {
  return bytes ? ProtoReader.varints(bytes) : [];
}

const asDeltas = (positions: readonly number[]): number[] =>
  positions.map((position, i) => position - (positions[i - 1] ?? 0));

function deltas(values: readonly number[]): number[] {
  let sum = 0;
  return values.map((value) => (sum += value));
}

const SUFFIX = 4;

/** A name that is longer than the key; head, tombstone, metadata, number (each + 1, so that -1 is 0), tail's start, tail; the name's length. */
function encodeEntry(entry: StreamEntry, spilled: number): Buffer {
  const name = entry.name.length * 3 > LONGEST_KEY ? entry.bytes : NO_NAME;
  const long = name.length > LONGEST_KEY ? name : NO_NAME;
  const { tail } = entry;
  const tailStart = entry.tailStart + spilled;
  const fixed = [entry.head + 1, entry.tombstoneAt + 1, entry.metadataAt + 1, entry.number + 1, tailStart];
  let length = long.length + SUFFIX;
  for (const value of fixed) length += varintLength(value);
  for (let i = spilled, before = 0; i < tail.length; before = tail[i++] ?? 0)
    length += varintLength((tail[i] ?? 0) - before);
  const row = Buffer.allocUnsafe(length);
  let at = long.copy(row);
  for (const value of fixed) at = writeVarint(row, at, value);
  for (let i = spilled, before = 0; i < tail.length; before = tail[i++] ?? 0)
    at = writeVarint(row, at, (tail[i] ?? 0) - before);
  // The name comes first in the row; its length last, in four bytes.
  row.writeUInt32LE(long.length, at);
  return row;
}

function decodeEntry(name: string, row: Buffer): StreamEntry {
  const end = row.length - SUFFIX;
  const reader = new VarintReader(row, row.readUInt32LE(end), end);
  const entry = new StreamEntry(name);
  entry.head = entry.pendingHead = reader.next() - 1;
  entry.tombstoneAt = reader.next() - 1;
  entry.metadataAt = reader.next() - 1;
  entry.number = reader.next() - 1;
  entry.tailStart = reader.next();
  for (let position = 0; !reader.done; entry.tail.push(position)) position += reader.next();
  return entry;
}

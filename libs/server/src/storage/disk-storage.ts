/**
 * A store in a folder. Opening it:
 *
 *   lock -> read the chunks' headers -> find the end of the log (a torn last write is cut off) -> open the index
 *        -> index again what lies behind the index's checkpoint -> remember the latest event ids
 *
 * Only the last group of appends can be torn by a crash: each group is written after the one before it was flushed. So a
 * fault with an intact record of a later group behind it is not a torn write but corruption, and is refused.
 */
import {
  closeSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
  fsyncSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { DataFolderRefused } from '../errors.js';
import type { Chunk } from './chunk.js';
import { corrupted, indexFolder, lockFolder, logFolder, prepareFolder } from './data-folder.js';
import { EventDatabase } from './event-database.js';
import { EventRecord, isIntact, recordLengthAt } from './event-record.js';
import { MARKER_LENGTH } from './record-format.js';
import {
  CHUNK_HEADER,
  decodeHeader,
  encodeExtents,
  encodeHeader,
  FileChunk,
  syncFolder,
  type ChunkHeader,
} from './file-chunk.js';
import { breakSeal, sealIndex } from './index-seal.js';
import { LmdbIndexStore, type IndexCheckpoint } from './lmdb-index-store.js';
import { FIRST_POSITION, Log, type ChunkSource } from './log.js';

const CHUNK_SIZE = 32 * 1024 * 1024;
/** The index is flushed after this many events, and when nothing was appended for a while. */
const FLUSH_AFTER_EVENTS = 65_536;
/** Or when this many streams changed: they are all in memory until then. */
const FLUSH_AFTER_STREAMS = 10_000;
/** While so many wait for a flush that is under way, appends wait too: memory is bounded, however fast the writers are. */
const MOST_CHANGED_STREAMS = 40_000;
const FLUSH_IDLE_MS = 5_000;
/** Ids of events in this much of the end of the log are remembered over a restart. */
const REMEMBERED_BYTES = 32 * 1024 * 1024;

const fileName = (start: number): string => `${String(start).padStart(16, '0')}.log`;

export class FolderChunks implements ChunkSource {
  private readonly open = new Set<FileChunk>();

  constructor(
    private readonly folder: string,
    readonly chunkSize = CHUNK_SIZE,
  ) {}

  create(start: number): FileChunk {
    return this.track(FileChunk.create(join(this.folder, fileName(start)), start));
  }

  track(chunk: FileChunk): FileChunk {
    this.open.add(chunk);
    return chunk;
  }

  /** Writes the kept records to a new file, makes it durable and puts it in the place of the old one. */
  async rewrite(old: Chunk, records: Iterable<EventRecord>): Promise<Chunk> {
    const path = join(this.folder, fileName(old.start));
    const file = openSync(`${path}.scavenged`, 'w', 0o600);
    const extents: [number, number, number][] = [];
    let size = 0;
    try {
      for (const record of records) {
        const { position, length } = record;
        const last = extents.at(-1);
        if (last && last[0] + last[2] === position) last[2] += length;
        else extents.push([position, size, length]);
        writeSync(file, record.buffer, record.offset, length, CHUNK_HEADER + size);
        size += length;
        if (extents.length % 512 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      const table = encodeExtents(extents);
      writeSync(file, table, 0, table.length, CHUNK_HEADER + size);
      const header: ChunkHeader = { start: old.start, scavenged: { end: old.end, size, extents: extents.length } };
      writeSync(file, encodeHeader(header), 0, CHUNK_HEADER, 0);
      fsyncSync(file);
    } catch (error) {
      rmSync(`${path}.scavenged`, { force: true });
      throw error;
    } finally {
      closeSync(file);
    }
    renameSync(`${path}.scavenged`, path);
    syncFolder(this.folder);
    const header: ChunkHeader = { start: old.start, scavenged: { end: old.end, size, extents: extents.length } };
    const chunk = this.track(FileChunk.open(path, header, size, false));
    if (old instanceof FileChunk && this.open.delete(old)) old.close();
    return chunk;
  }

  close(): void {
    for (const chunk of this.open) chunk.close();
    this.open.clear();
  }
}

interface FoundChunk {
  readonly path: string;
  readonly header: ChunkHeader;
  /** Bytes in the file behind the header. */
  readonly bytes: number;
}

/** All chunk files in the order of their positions, checked to follow on one another. */
export function findChunks(path: string): FoundChunk[] {
  const folder = logFolder(path);
  const found: FoundChunk[] = [];
  for (const name of readdirSync(folder).sort()) {
    if (name.endsWith('.scavenged'))
      rmSync(join(folder, name), { force: true }); // a scavenge that did not finish
    else if (name.endsWith('.log')) found.push(readChunk(path, join(folder, name)));
  }
  let expected = FIRST_POSITION;
  found.forEach((chunk, i) => {
    if (chunk.header.start !== expected)
      throw corrupted(path, `the log has no file that begins at position ${expected}`);
    const next = found[i + 1];
    const end = chunk.header.scavenged?.end ?? next?.header.start ?? chunk.header.start + chunk.bytes;
    const needed = chunk.header.scavenged ? chunk.header.scavenged.size : next ? end - chunk.header.start : 0;
    if (chunk.bytes < needed) throw corrupted(path, `${basename(chunk.path)} is shorter than it must be`);
    expected = end;
  });
  return found;
}

function readChunk(path: string, file: string): FoundChunk {
  const handle = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(CHUNK_HEADER);
    const count = readSync(handle, bytes, 0, CHUNK_HEADER, 0);
    const header = decodeHeader(bytes.subarray(0, count));
    if (header && fileName(header.start) === basename(file))
      return { path: file, header, bytes: statSync(file).size - CHUNK_HEADER };
    throw corrupted(path, `${basename(file)} is not a file of the log`);
  } finally {
    closeSync(handle);
  }
}

/** How many bytes of the last chunk are whole appends; refuses what cannot come from a torn write. */
export function wholeBytes(path: string, chunk: FileChunk, from: number, lastGroup: number): number {
  const bytes = chunk.read(from, chunk.size - from);
  const base = chunk.start + from;
  let offset = 0;
  let whole = 0;
  let group = lastGroup;
  while (offset < bytes.length && isIntact(bytes, offset)) {
    const record = new EventRecord(bytes, offset);
    if (record.position !== base + offset) break;
    group = record.group;
    offset += record.length;
    if (!record.more) whole = offset;
  }
  if (offset < bytes.length && hasLaterGroup(bytes, offset, base, group))
    throw corrupted(path, `the log is damaged at position ${base + offset}, with intact events behind`);
  return from + whole;
}

/** Whether an intact record behind the fault belongs to a group that was written after the one with the fault. */
function hasLaterGroup(bytes: Buffer, fault: number, base: number, lastGroup: number): boolean {
  for (let offset = fault; offset + MARKER_LENGTH <= bytes.length; offset++) {
    const length = recordLengthAt(bytes, offset);
    if (length < MARKER_LENGTH || offset + length > bytes.length) continue;
    const record = new EventRecord(bytes, offset);
    if (record.position !== base + offset || !isIntact(bytes, offset)) continue;
    if (record.group > lastGroup + 1 || (record.group === lastGroup + 1 && record.beginsGroup && offset > fault))
      return true;
    offset += length - 1;
  }
  return false;
}

export interface DiskDatabase {
  readonly database: EventDatabase;
  close(): Promise<void>;
}

export async function openDiskDatabase(path: string): Promise<DiskDatabase> {
  prepareFolder(path);
  const unlock = lockFolder(path);
  const source = new FolderChunks(logFolder(path));
  let store: LmdbIndexStore | undefined;
  try {
    store = await openIndex(path);
    return new OpenDisk(path, source, store, unlock);
  } catch (error) {
    await store?.close();
    source.close();
    unlock();
    throw error;
  }
}

async function openIndex(path: string): Promise<LmdbIndexStore> {
  const folder = indexFolder(path);
  const refused = (what: string, options?: ErrorOptions): DataFolderRefused =>
    new DataFolderRefused(
      path,
      'corrupted',
      `The index in ${folder} is corrupted (${what}). Delete that folder: the index is rebuilt from the log at the next start.`,
      options,
    );
  const fault = breakSeal(folder);
  if (fault !== undefined) throw refused(fault);
  try {
    return await LmdbIndexStore.open(folder);
  } catch (error) {
    throw refused((error as Error).message, { cause: error });
  }
}

class OpenDisk implements DiskDatabase {
  readonly database: EventDatabase;
  private sinceFlush = 0;
  private flushing: Promise<void> | undefined;
  private readonly timer: NodeJS.Timeout;
  private lastPublished = 0;

  constructor(
    private readonly path: string,
    source: FolderChunks,
    private readonly store: LmdbIndexStore,
    private readonly unlock: () => void,
  ) {
    const checkpoint = store.checkpoint ?? { position: FIRST_POSITION, group: 0 };
    const log = openLog(path, source, checkpoint);
    if (log.end < checkpoint.position)
      throw corrupted(path, `the log ends at position ${log.end}, before what was indexed (${checkpoint.position})`);
    let group = checkpoint.group;
    const cursor = log.forward(checkpoint.position);
    this.database = new EventDatabase({
      log,
      indexStore: store,
      description: path,
      firstGroup: () => group + 1,
      onPublished: (events) => this.published(events),
    });
    this.database.rememberIds(log.end - REMEMBERED_BYTES, checkpoint.position);
    for (let record = cursor.next(); record; record = cursor.next()) {
      if (!record.intact) throw corrupted(path, `the event at position ${record.position} is damaged`);
      group = record.group;
      if (!record.isMarker) this.database.apply(record);
      this.sinceFlush++;
    }
    this.timer = setInterval(() => this.flushIfIdle(), FLUSH_IDLE_MS).unref();
  }

  /**
   * Appends in flight finish first; then the index is flushed, so that the next start has nothing to catch up with. When
   * the disk does not take that, nothing is lost: the next start reads the log.
   */
  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.database.commit.settled();
    await this.flushing;
    const flushed = await this.flush().then(
      () => true,
      () => false,
    );
    try {
      await this.store.close();
      if (flushed) sealIndex(indexFolder(this.path));
    } finally {
      this.database.log.close();
      this.unlock();
    }
  }

  private published(events: number): Promise<void> | undefined {
    this.sinceFlush += events;
    this.lastPublished = Date.now();
    const changed = this.database.index.dirtyCount;
    if (this.sinceFlush >= FLUSH_AFTER_EVENTS || changed >= FLUSH_AFTER_STREAMS) this.flushSoon();
    return changed >= MOST_CHANGED_STREAMS ? this.flushing : undefined;
  }

  private flushIfIdle(): void {
    if (this.sinceFlush > 0 && Date.now() - this.lastPublished >= FLUSH_IDLE_MS) this.flushSoon();
  }

  private flushSoon(): void {
    // A flush that fails (disk full) is tried again later; until then the log has everything.
    this.flushing ??= this.flush()
      .catch(() => undefined)
      .finally(() => (this.flushing = undefined));
  }

  private async flush(): Promise<void> {
    const count = this.sinceFlush;
    const checkpoint = { position: this.database.log.end, group: this.database.commit.lastGroup };
    this.sinceFlush = 0;
    try {
      await this.database.index.flush();
      await this.store.saveCheckpoint(checkpoint);
    } catch (error) {
      this.sinceFlush += count;
      throw error;
    }
  }
}

function openLog(path: string, source: FolderChunks, checkpoint: IndexCheckpoint): Log {
  const found = findChunks(path);
  const log = new Log(source);
  const last = found.at(-1);
  const chunks = found.map(({ path: file, header, bytes }, i) => {
    const next = found[i + 1];
    const writable = !next && !header.scavenged;
    return source.track(FileChunk.open(file, header, next ? next.header.start - header.start : bytes, writable));
  });
  const active = last && !last.header.scavenged ? chunks.at(-1) : undefined;
  if (active) {
    const from = Math.max(0, Math.min(active.size, checkpoint.position - active.start));
    active.size = wholeBytes(path, active, from, checkpoint.group);
    active.cut();
  }
  log.adopt(chunks, active);
  return log;
}

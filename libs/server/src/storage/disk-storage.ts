/**
 * A store in a folder. Opening it:
 *
 *   lock -> read the chunks' headers -> find the end of the log (a torn last write is cut off) -> open the index
 *        -> index again what lies behind the index's checkpoint -> remember the latest event ids
 */
import { DataFolderRefused } from '../errors.js';
import { FolderChunks } from './chunk-folder.js';
import { corrupted, indexFolder, lockFolder, logFolder, prepareFolder } from './data-folder.js';
import { EventDatabase } from './event-database.js';
import { breakSeal, sealIndex } from './index-seal.js';
import { LmdbIndexStore } from './lmdb-index-store.js';
import { FIRST_POSITION } from './log.js';
import { openLog } from './log-recovery.js';

/** The index is flushed after this many events, and when nothing was appended for a while. */
const FLUSH_AFTER_EVENTS = 65_536;
/** Or when this many streams changed: they are all in memory until then. */
const FLUSH_AFTER_STREAMS = 10_000;
/** While so many wait for a flush that is under way, appends wait too: memory is bounded, however fast the writers are. */
const MOST_CHANGED_STREAMS = 40_000;
const FLUSH_IDLE_MS = 5_000;
/** Ids of events in this much of the end of the log are remembered over a restart. */
const REMEMBERED_BYTES = 32 * 1024 * 1024;

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

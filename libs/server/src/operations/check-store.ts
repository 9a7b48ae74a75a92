/** Verifies a whole data folder: every record, every revision, every link, and that the index says the same as the log. */
import { DataFolderRefused } from '../errors.js';
import { openDiskDatabase } from '../storage/disk-storage.js';
import { checkManifest } from '../storage/data-folder.js';
import { isLink, parseLink, type EventDatabase } from '../storage/event-database.js';
import type { EventRecord } from '../storage/event-record.js';
import { MARKER_LENGTH } from '../storage/record-format.js';

export interface StoreReport {
  readonly ok: boolean;
  readonly events: number;
  readonly streams: number;
  readonly bytes: number;
  /** Links whose event is deleted or truncated: allowed, and worth knowing. */
  readonly unresolvedLinks: number;
  /** What is wrong, in words; the first hundred. */
  readonly faults: readonly string[];
}

const MOST_FAULTS = 100;
const PAUSE_AFTER = 5000;

/**
 * Checks the data folder of a server that is not running.
 * @throws DataFolderRefused when there is no store, or it is in use or of a newer version; damage is reported, not thrown
 */
export async function checkStore(path: string): Promise<StoreReport> {
  checkManifest(path);
  let disk;
  try {
    disk = await openDiskDatabase(path);
  } catch (error) {
    if (!(error instanceof DataFolderRefused) || error.reason !== 'corrupted') throw error;
    return { ok: false, events: 0, streams: 0, bytes: 0, unresolvedLinks: 0, faults: [error.message] };
  }
  try {
    return await new StoreCheck(disk.database).run();
  } finally {
    await disk.close();
  }
}

class StoreCheck {
  private readonly faults: string[] = [];
  private readonly revisions = new Map<string, number>();
  private events = 0;
  private unresolvedLinks = 0;

  constructor(private readonly database: EventDatabase) {}

  async run(): Promise<StoreReport> {
    const { log } = this.database;
    const cursor = log.forward(log.start);
    let end = log.start;
    let seen = 0;
    for (let record = cursor.next(); record; record = cursor.next()) {
      if (!record.intact || record.length < MARKER_LENGTH) {
        this.fault(`the record at position ${record.position} is damaged`);
        break;
      }
      if (record.position < end) this.fault(`position ${record.position} comes twice`);
      end = record.position + record.length;
      if (!record.isMarker) this.checkEvent(record);
      if (++seen % PAUSE_AFTER === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    if (!log.completed.some((chunk) => chunk.end >= end) && end !== log.end)
      this.fault(`the log can be read up to position ${end} only, and should end at ${log.end}`);
    for (const [stream, revision] of this.revisions) this.checkHead(stream, revision);
    return {
      ok: this.faults.length === 0,
      events: this.events,
      streams: this.revisions.size,
      bytes: log.size,
      unresolvedLinks: this.unresolvedLinks,
      faults: this.faults,
    };
  }

  private checkEvent(record: EventRecord): void {
    this.events++;
    const { stream, position, revision } = record;
    if (record.isTombstone) {
      if (this.database.entry(stream)?.tombstoneAt !== position)
        this.fault(`the tombstone of '${stream}' is not indexed`);
      return;
    }
    const before = this.revisions.get(stream) ?? -1;
    const scavenged = this.database.log.chunkOf(position)?.isScavenged === true || before < 0;
    if (revision <= before || (revision !== before + 1 && !scavenged))
      this.fault(`'${stream}' goes from revision ${before} to ${revision}`);
    this.revisions.set(stream, revision);
    const entry = this.database.entry(stream);
    if (!entry || this.database.index.position(entry, revision) !== position)
      this.fault(`revision ${revision} of '${stream}' is indexed elsewhere than at position ${position}`);
    if (isLink(record) && parseLink(record) && !this.database.linkTarget(record)) this.unresolvedLinks++;
  }

  private checkHead(stream: string, revision: number): void {
    const head = this.database.entry(stream)?.head ?? -1;
    if (head !== revision && this.database.entry(stream)?.tombstoneAt === -1)
      this.fault(`'${stream}' ends at revision ${revision}, the index says ${head}`);
  }

  private fault(text: string): void {
    if (this.faults.length < MOST_FAULTS) this.faults.push(text);
  }
}

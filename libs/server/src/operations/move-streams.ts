/**
 * Moves streams between event stores (this one, EventStoreDB, KurrentDB) as newline-delimited JSON, through the client:
 *
 *   {"stream":"order-1","revision":0,"id":"…","type":"OrderPlaced","json":true,"data":{…},"metadata":{…},"created":"…"}
 *   {"stream":"order-2","tombstone":true}
 *
 * Binary payloads are {"base64":"…"} with "json": false; binary metadata stands in "metadataBase64". Streams and their metadata
 * are moved; what the source itself keeps (persistent subscriptions, links of projections) is not. The order of `$all` is kept.
 */
import db, { type AllStreamRecordedEvent, type EventData, type EventStoreDBClient } from '@eventstore/db-client';
import { InvalidArgument } from '../errors.js';

interface ExportedEvent {
  readonly stream: string;
  readonly revision: number;
  readonly id: string;
  readonly type: string;
  readonly json: boolean;
  readonly data: unknown;
  readonly metadata?: unknown;
  readonly metadataBase64?: string;
  readonly created: string;
}
interface ExportedTombstone {
  readonly stream: string;
  readonly tombstone: true;
}
type ExportedLine = ExportedEvent | ExportedTombstone;

export interface MoveProgress {
  readonly events: number;
}

export interface ExportOptions {
  /** Connection string of the source. */
  readonly url: string;
  /** Only streams whose names begin so. */
  readonly prefix?: string;
  readonly onProgress?: (progress: MoveProgress) => void;
}

const PROGRESS_EVERY = 1000;
const BATCH = 500;

/** Yields one line (without its newline) per event, in the order of `$all`. */
export async function* exportStreams({ url, prefix = '', onProgress }: ExportOptions): AsyncGenerator<string> {
  const client = db.EventStoreDBClient.connectionString(url);
  let events = 0;
  try {
    for await (const { event } of client.readAll()) {
      if (!event || !isMoved(event.streamId, prefix)) continue;
      yield JSON.stringify(exported(event));
      if (++events % PROGRESS_EVERY === 0) onProgress?.({ events });
    }
  } finally {
    await client.dispose();
  }
  onProgress?.({ events });
}

/** User streams, and the metadata of user streams. */
function isMoved(stream: string, prefix: string): boolean {
  const name = stream.startsWith('$$') ? stream.slice(2) : stream;
  return !name.startsWith('$') && name.startsWith(prefix);
}

const isBytes = (value: unknown): value is Uint8Array => value instanceof Uint8Array || ArrayBuffer.isView(value);
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

function exported(event: AllStreamRecordedEvent): ExportedLine {
  const { streamId: stream, id, type, isJson: json, created } = event;
  if (type === '$streamDeleted') return { stream, tombstone: true };
  const data: unknown = event.data;
  const metadata: unknown = event.metadata;
  return {
    stream,
    revision: Number(event.revision),
    id,
    type,
    json,
    data: isBytes(data) ? { base64: base64(data) } : data,
    ...(metadata === undefined ? {} : isBytes(metadata) ? { metadataBase64: base64(metadata) } : { metadata }),
    created: created.toISOString(),
  };
}

export interface ImportOptions {
  /** Connection string of the target. */
  readonly url: string;
  readonly onProgress?: (progress: MoveProgress) => void;
}

/**
 * Appends exported lines to the target, whose streams must not exist or be what an interrupted import left: repeating an
 * import is harmless, because ids and expected revisions are the same.
 * @throws WrongExpectedVersionError of the client when a stream of the target holds something else
 */
export async function importStreams(
  lines: AsyncIterable<string> | Iterable<string>,
  { url, onProgress }: ImportOptions,
): Promise<MoveProgress> {
  const client = db.EventStoreDBClient.connectionString(url);
  const target = new ImportTarget(client);
  let events = 0;
  let number = 0;
  try {
    for await (const line of lines) {
      number++;
      if (line.trim() === '') continue;
      await target.take(parseLine(line, number));
      if (++events % PROGRESS_EVERY === 0) onProgress?.({ events });
    }
    await target.flush();
  } finally {
    await client.dispose();
  }
  onProgress?.({ events });
  return { events };
}

function parseLine(line: string, number: number): ExportedLine {
  try {
    const parsed = JSON.parse(line) as Partial<ExportedEvent> & Partial<ExportedTombstone>;
    const complete =
      typeof parsed.stream === 'string' &&
      (parsed.tombstone === true || (typeof parsed.id === 'string' && typeof parsed.type === 'string'));
    if (!complete) throw new Error('it names no stream, id or type');
    return parsed as ExportedLine;
  } catch (error) {
    throw new InvalidArgument(
      `Line ${number} is not an exported event (${(error as Error).message}). Import files that \`annals server export\` wrote.`,
      { cause: error },
    );
  }
}

class ImportTarget {
  private stream: string | undefined;
  private batch: EventData[] = [];
  /** Events appended so far: what the next append expects. */
  private readonly counts = new Map<string, number>();

  constructor(private readonly client: EventStoreDBClient) {}

  async take(line: ExportedLine): Promise<void> {
    if (line.stream !== this.stream || this.batch.length >= BATCH || 'tombstone' in line) await this.flush();
    this.stream = line.stream;
    if ('tombstone' in line) await this.tombstone(line.stream);
    else this.batch.push(eventData(line));
  }

  async flush(): Promise<void> {
    const { stream, batch } = this;
    this.batch = [];
    if (stream === undefined || batch.length === 0) return;
    const count = this.counts.get(stream) ?? 0;
    await this.client.appendToStream(stream, batch, {
      expectedRevision: count === 0 ? db.NO_STREAM : BigInt(count - 1),
    });
    this.counts.set(stream, count + batch.length);
  }

  private async tombstone(stream: string): Promise<void> {
    try {
      await this.client.tombstoneStream(stream);
    } catch (error) {
      if (!(error instanceof db.StreamDeletedError)) throw error; // done by an earlier, interrupted import
    }
  }
}

function eventData({ id, type, json, data, metadata, metadataBase64 }: ExportedEvent): EventData {
  const both = {
    id,
    type,
    metadata: (metadataBase64 === undefined ? metadata : Buffer.from(metadataBase64, 'base64')) as Record<
      string,
      unknown
    >,
  };
  if (json) return db.jsonEvent({ ...both, data: data as Record<string, unknown> });
  return db.binaryEvent({ ...both, data: Buffer.from((data as { base64: string }).base64, 'base64') });
}

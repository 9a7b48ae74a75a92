/** The two streams that a group keeps: its checkpoint and its parked messages, named as in EventStoreDB. */
import { randomUUID } from 'node:crypto';
import type { EventDatabase } from '../storage/event-database.js';
import type { EventRecord } from '../storage/event-record.js';
import type { ProposedEvent } from '../storage/record-format.js';
import type { StreamWriter } from '../streams/append.js';
import { metadataStreamOf } from '../streams/stream-metadata.js';
import type { Message } from './message.js';
import { parseSequence, sequenceText } from './settings.js';

const ANY = { kind: 'any' } as const;
const CHECKPOINTS_KEPT = 2;

const event = (type: string, json: boolean, data: string, metadata: string): ProposedEvent => ({
  id: randomUUID(),
  type: Buffer.from(type),
  json,
  data: Buffer.from(data),
  metadata: Buffer.from(metadata),
});

export class GroupStreams {
  readonly checkpointStream: string;
  readonly parkedStream: string;

  constructor(
    private readonly database: EventDatabase,
    private readonly writer: StreamWriter,
    private readonly source: string,
    group: string,
  ) {
    this.checkpointStream = `$persistentsubscription-${source}::${group}-checkpoint`;
    this.parkedStream = `$persistentsubscription-${source}::${group}-parked`;
  }

  loadCheckpoint(): number | undefined {
    const entry = this.database.entry(this.checkpointStream);
    const record = entry && this.database.readable(this.checkpointStream, entry.head);
    if (!record) return undefined;
    const text: unknown = JSON.parse(record.data.toString('utf8'));
    return typeof text === 'string' ? parseSequence(text) : undefined;
  }

  async saveCheckpoint(sequence: number): Promise<void> {
    if (!this.database.entry(this.checkpointStream))
      await this.setMetadata(this.checkpointStream, { $maxCount: CHECKPOINTS_KEPT });
    await this.writer.append(this.checkpointStream, ANY, [
      event('SubscriptionCheckpoint', true, JSON.stringify(sequenceText(this.source, sequence)), ''),
    ]);
  }

  async park({ resolved }: Message, reason: string): Promise<void> {
    const original = resolved.link ?? resolved.event;
    const target = resolved.event ?? resolved.link;
    if (!original || !target) return;
    const number = original.isTombstone ? 0 : original.revision;
    const metadata = {
      added: new Date().toISOString(),
      reason,
      ...(number === 0 ? {} : { subscriptionEventNumber: number }),
    };
    const revision = target.isTombstone ? '9223372036854775807' : String(target.revision);
    await this.writer.append(this.parkedStream, ANY, [
      event('$>', false, `${revision}@${target.stream}`, JSON.stringify(metadata)),
    ]);
  }

  get parkedCount(): number {
    const entry = this.database.entry(this.parkedStream);
    return entry ? entry.head + 1 - this.database.firstRevision(this.parkedStream, entry) : 0;
  }

  /** Parked links from a revision on, up to and without another. */
  *parked(from: number, until: number): Generator<EventRecord> {
    const entry = this.database.entry(this.parkedStream);
    if (!entry) return;
    const last = Math.min(until, entry.head + 1);
    for (
      let revision = Math.max(from, this.database.firstRevision(this.parkedStream, entry));
      revision < last;
      revision++
    ) {
      const record = this.database.readable(this.parkedStream, revision);
      if (record) yield record;
    }
  }

  /** Those below `revision` were replayed and dealt with. */
  truncateParked(revision: number): Promise<void> {
    return this.setMetadata(this.parkedStream, { $tb: revision });
  }

  async delete(): Promise<void> {
    for (const stream of [this.checkpointStream, this.parkedStream]) {
      const entry = this.database.entry(stream);
      if (entry && entry.head >= 0 && !this.database.metadataOf(entry, stream).deleted)
        await this.writer.delete(stream, ANY);
    }
  }

  private async setMetadata(stream: string, metadata: Readonly<Record<string, unknown>>): Promise<void> {
    await this.writer.append(metadataStreamOf(stream), ANY, [event('$metadata', true, JSON.stringify(metadata), '')]);
  }
}

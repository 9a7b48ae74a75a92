/** All persistent subscription groups of the server; their settings outlive it in `$persistentSubscriptionConfig`. */
import { randomUUID } from 'node:crypto';
import { InvalidGroupSettings, PersistentSubscriptionDoesNotExist, PersistentSubscriptionExists } from '../errors.js';
import type { EventDatabase } from '../storage/event-database.js';
import { NO_BYTES } from '../storage/record-format.js';
import type { StreamWriter } from '../streams/append.js';
import { EventFilter } from '../streams/event-filter.js';
import { metadataStreamOf } from '../streams/stream-metadata.js';
import { PersistentGroup } from './group.js';
import { decodeConfigs, encodeConfigs, type GroupConfig, type GroupSettings } from './settings.js';
import { strategyNamed } from './strategies.js';

const CONFIG_STREAM = '$persistentSubscriptionConfig';
const ANY = { kind: 'any' } as const;

export class PersistentGroups {
  private readonly groups = new Map<string, PersistentGroup>();

  constructor(
    private readonly database: EventDatabase,
    private readonly writer: StreamWriter,
  ) {}

  /** Takes up all groups where they left off. */
  start(): void {
    const entry = this.database.entry(CONFIG_STREAM);
    const record = entry && this.database.readable(CONFIG_STREAM, entry.head);
    for (const config of record ? decodeConfigs(record.data) : []) this.open(config);
  }

  /** As if the server were restarted, for the groups only. */
  async restart(): Promise<void> {
    const configs = [...this.groups.values()].map(({ config }) => config);
    await this.close();
    for (const config of configs) this.open(config);
  }

  async close(error?: Error): Promise<void> {
    const groups = [...this.groups.values()];
    this.groups.clear();
    await Promise.all(groups.map((group) => group.close(error)));
  }

  get(stream: string, group: string): PersistentGroup {
    const found = this.groups.get(keyOf(stream, group));
    if (!found) throw new PersistentSubscriptionDoesNotExist(stream, group);
    return found;
  }

  list(): readonly PersistentGroup[] {
    return [...this.groups.values()];
  }

  async create(stream: string, group: string, settings: GroupSettings): Promise<void> {
    if (this.groups.has(keyOf(stream, group))) throw new PersistentSubscriptionExists(stream, group);
    check(stream, group, settings);
    this.open({ stream, group, settings });
    try {
      await this.save();
    } catch (error) {
      await this.remove(stream, group);
      throw error;
    }
  }

  /** Its consumers are dropped; the group goes on behind its checkpoint with the new settings. */
  async update(stream: string, group: string, settings: GroupSettings): Promise<void> {
    const old = this.get(stream, group);
    const { filter } = old.config.settings;
    const updated = filter ? { ...settings, filter } : settings;
    check(stream, group, updated);
    await old.close();
    this.open({ stream, group, settings: updated });
    await this.save();
  }

  async delete(stream: string, group: string): Promise<void> {
    const { streams } = this.get(stream, group);
    await this.remove(stream, group);
    await this.save();
    await streams.delete();
  }

  private async remove(stream: string, group: string): Promise<void> {
    const found = this.get(stream, group);
    this.groups.delete(keyOf(stream, group));
    await found.close();
  }

  private open(config: GroupConfig): void {
    this.groups.set(keyOf(config.stream, config.group), new PersistentGroup(this.database, this.writer, config));
  }

  private async save(): Promise<void> {
    const event = { json: true, metadata: NO_BYTES };
    if (!this.database.entry(CONFIG_STREAM))
      await this.writer.append(metadataStreamOf(CONFIG_STREAM), ANY, [
        { ...event, id: randomUUID(), type: Buffer.from('$metadata'), data: Buffer.from('{"$maxCount":1}') },
      ]);
    const data = encodeConfigs([...this.groups.values()].map(({ config }) => config));
    await this.writer.append(CONFIG_STREAM, ANY, [
      { ...event, id: randomUUID(), type: Buffer.from('$PersistentConfig'), data },
    ]);
  }
}

const keyOf = (stream: string, group: string): string => JSON.stringify([stream, group]);

function check(stream: string, group: string, settings: GroupSettings): void {
  const wrong = (reason: string): never => {
    throw new InvalidGroupSettings(stream, group, reason);
  };
  if (settings.historyBufferSize <= settings.readBatchSize)
    wrong('the history buffer must be larger than the read batch');
  if (!strategyNamed(settings.strategy))
    wrong(
      `there is no consumer strategy '${settings.strategy}'; use RoundRobin, DispatchToSingle, Pinned or PinnedByCorrelation`,
    );
  if (settings.filter) new EventFilter(settings.filter);
}

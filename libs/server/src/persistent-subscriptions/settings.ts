/** The settings of a persistent subscription group, and how they are kept in `$persistentSubscriptionConfig`. */
import type { FilterSpec } from '../streams/event-filter.js';

export interface GroupSettings {
  readonly resolveLinks: boolean;
  readonly extraStatistics: boolean;
  /** 0: a message never times out. */
  readonly messageTimeoutMs: number;
  readonly maxRetryCount: number;
  readonly checkpointAfterMs: number;
  readonly minCheckpointCount: number;
  readonly maxCheckpointCount: number;
  /** 0: any number. */
  readonly maxSubscriberCount: number;
  readonly liveBufferSize: number;
  readonly readBatchSize: number;
  readonly historyBufferSize: number;
  readonly strategy: string;
  /** A revision, or a position for `$all`; inclusive. */
  readonly startFrom: 'start' | 'end' | number;
  readonly filter?: FilterSpec;
}

export interface GroupConfig {
  readonly stream: string;
  readonly group: string;
  readonly settings: GroupSettings;
}

/** As EventStoreDB tells it: "0", "-1", "N"; for `$all` "C:N/P:N". */
export function startFromText(stream: string, startFrom: GroupSettings['startFrom']): string {
  const number = startFrom === 'start' ? 0 : startFrom === 'end' ? -1 : startFrom;
  return sequenceText(stream, number);
}

export const sequenceText = (stream: string, sequence: number): string =>
  stream === '$all' ? `C:${sequence}/P:${sequence}` : String(sequence);

export function parseSequence(text: string): number | undefined {
  const [, digits] = /^(?:C:)?(\d+)(?:\/P:\d+)?$/.exec(text) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

export const encodeConfigs = (configs: readonly GroupConfig[]): Buffer =>
  Buffer.from(
    JSON.stringify({ version: '2', updated: new Date().toISOString(), updatedBy: 'system', entries: configs }),
  );

export function decodeConfigs(json: Buffer): readonly GroupConfig[] {
  const { entries } = JSON.parse(json.toString('utf8')) as { entries?: GroupConfig[] };
  return entries ?? [];
}

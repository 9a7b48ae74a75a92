/** All instances as rows, filled from the sagas' streams: the answer to "what is open, what is stuck". */
import type { Log } from '@annals/core';
import type { FeedBatch, FeedConsumer } from '@annals/event-store';
import { beginning } from '@annals/event-store';
import { foldInstance, type InstanceRow, type InstanceState, type InstanceSummary } from './instance-view.js';
import { isSagaFact, sagaStream } from './saga-events.js';

export interface InstanceFilter {
  readonly saga?: string;
  readonly states?: readonly InstanceState[];
  /** Default 100; the latest updated first. */
  readonly limit?: number;
}

export interface InstanceIndex {
  /** Keeps its own checkpoint, in one with the rows. */
  checkpoint(): Promise<bigint>;
  rows(streams: readonly string[]): Promise<ReadonlyMap<string, InstanceRow>>;
  save(rows: ReadonlyMap<string, InstanceRow>, position: bigint): Promise<void>;
  list(filter: InstanceFilter): Promise<InstanceSummary[]>;
  /** How many instances have not ended, by saga and version. */
  open(): Promise<readonly { readonly saga: string; readonly version: number; readonly count: number }[]>;
}

/** In memory: filled anew at each start. */
export class MemoryInstanceIndex implements InstanceIndex {
  private readonly all = new Map<string, InstanceRow>();
  private position = beginning;

  checkpoint(): Promise<bigint> {
    return Promise.resolve(this.position);
  }

  rows(streams: readonly string[]): Promise<ReadonlyMap<string, InstanceRow>> {
    const found = new Map<string, InstanceRow>();
    for (const stream of streams) {
      const row = this.all.get(stream);
      if (row) found.set(stream, row);
    }
    return Promise.resolve(found);
  }

  save(rows: ReadonlyMap<string, InstanceRow>, position: bigint): Promise<void> {
    for (const [stream, row] of rows) this.all.set(stream, row);
    this.position = position;
    return Promise.resolve();
  }

  list({ saga, states, limit = 100 }: InstanceFilter): Promise<InstanceSummary[]> {
    const matching = [...this.all.values()]
      .map(({ summary }) => summary)
      .filter((summary) => (saga === undefined || summary.saga === saga) && (!states || states.includes(summary.state)))
      .sort((a, b) => b.updated.getTime() - a.updated.getTime());
    return Promise.resolve(matching.slice(0, limit));
  }

  open(): Promise<{ saga: string; version: number; count: number }[]> {
    const counts = new Map<string, { saga: string; version: number; count: number }>();
    for (const { summary } of this.all.values()) {
      if (summary.ended) continue;
      const key = `${summary.saga} ${summary.version}`;
      const count = counts.get(key) ?? { saga: summary.saga, version: summary.version, count: 0 };
      counts.set(key, { ...count, count: count.count + 1 });
    }
    return Promise.resolve([...counts.values()]);
  }
}

export class InstanceIndexer implements FeedConsumer {
  readonly name = 'sagas:instances';
  readonly maxBatch = 2_000;
  readonly everyMs = 100;
  private tellLive: () => void = () => undefined;
  /** Settles when the index holds everything there was. */
  readonly live = new Promise<void>((resolve) => (this.tellLive = resolve));

  constructor(
    private readonly index: InstanceIndex,
    private readonly concerns: (saga: string) => boolean,
    private readonly log: Log,
  ) {}

  checkpoint(): Promise<bigint> {
    return this.index.checkpoint();
  }

  async handle({ events, position, live }: FeedBatch): Promise<void> {
    const facts = events.flatMap(({ event, at }) =>
      isSagaFact(event) && this.concerns(event.data.saga)
        ? [{ fact: event, at, stream: sagaStream(event.data.saga, event.data.id) }]
        : [],
    );
    if (facts.length > 0) {
      const rows = new Map(await this.index.rows([...new Set(facts.map(({ stream }) => stream))]));
      for (const { fact, at, stream } of facts) rows.set(stream, foldInstance(rows.get(stream), fact, at));
      await this.index.save(rows, position);
    }
    if (live) this.tellLive();
  }

  onFailure(error: unknown): void {
    this.log.warn('The index of saga instances could not be written; it is tried again.', { error: String(error) });
  }
}

/** An event store in memory, for the engine on virtual time: appends with expected revision, and feeds. */
import { randomUUID } from 'node:crypto';
import type { DomainEvent } from '@annals/core';
import {
  beginning,
  noEvents,
  WrongExpectedRevision,
  type AppendResult,
  type CheckpointStore,
  type EventFeed,
  type EventToAppend,
  type FeedConsumer,
  type RecordedEvent,
  type RunningConsumer,
} from '@annals/event-store';

export class MemoryEventStore {
  readonly all: RecordedEvent[] = [];
  private readonly waiting: (() => void)[] = [];

  readonly streams = {
    append: (stream: string, events: readonly EventToAppend[], expected: number | 'any'): Promise<AppendResult> =>
      Promise.resolve().then(() => this.appendNow(stream, events, expected)),
    readToEnd: <E extends DomainEvent>(stream: string): Promise<RecordedEvent<E>[]> =>
      Promise.resolve(this.all.filter(({ at }) => at.stream === stream) as RecordedEvent<E>[]),
    headPosition: (): Promise<bigint> => Promise.resolve(this.head),
  };

  get head(): bigint {
    return this.all.at(-1)?.at.position ?? beginning;
  }

  /** Appends what another part of the world did. */
  record(stream: string, event: DomainEvent, correlationId: string = randomUUID()): void {
    this.appendNow(stream, [{ id: randomUUID(), event, metadata: { $correlationId: correlationId } }], 'any');
  }

  feed(prefixes: readonly string[]): Pick<EventFeed, 'run'> {
    return { run: (consumer) => this.run(prefixes, consumer) };
  }

  private appendNow(stream: string, events: readonly EventToAppend[], expected: number | 'any'): AppendResult {
    let revision = this.all.filter(({ at }) => at.stream === stream).length - 1;
    if (expected !== 'any' && expected !== revision) throw new WrongExpectedRevision(stream, expected, revision);
    for (const { id, event, metadata } of events)
      this.all.push({
        event: JSON.parse(JSON.stringify(event)) as DomainEvent,
        at: {
          id,
          stream,
          revision: ++revision,
          position: this.head + 1n,
          created: new Date(),
          correlationId: metadata.$correlationId ?? id,
          causationId: metadata.$causationId ?? id,
          actor: metadata.actor,
        },
      });
    for (const wake of this.waiting.splice(0)) wake();
    return { revision: events.length === 0 ? noEvents : revision, position: this.head };
  }

  private run(prefixes: readonly string[], consumer: FeedConsumer): RunningConsumer {
    const stopping = new AbortController();
    const stopped = new Promise<void>((resolve) => stopping.signal.addEventListener('abort', () => resolve()));
    let position = beginning;
    const consume = async () => {
      position = await consumer.checkpoint();
      for (let first = true; !stopping.signal.aborted; first = false) {
        const { head } = this;
        if (head > position || first) {
          const events = this.all.filter(
            ({ at }) => at.position > position && at.position <= head && prefixes.some((p) => at.stream.startsWith(p)),
          );
          await consumer.handle({ events, position: head, live: true }, stopping.signal);
          position = head;
        } else await Promise.race([new Promise<void>((resolve) => this.waiting.push(resolve)), stopped]);
      }
    };
    const running = (async () => {
      for (let failures = 1; !stopping.signal.aborted; failures++)
        await consume().catch((error: unknown) => {
          consumer.onFailure(error, failures);
          return new Promise((resolve) => setImmediate(resolve));
        });
    })();
    return {
      get status() {
        return { name: consumer.name, state: stopping.signal.aborted ? 'stopped' : 'live', position } as const;
      },
      stop: async () => {
        stopping.abort();
        await running;
      },
    };
  }
}

export class MemoryCheckpoints implements CheckpointStore {
  private readonly positions = new Map<string, bigint>();

  load(name: string): Promise<bigint> {
    return Promise.resolve(this.positions.get(name) ?? beginning);
  }

  save(name: string, position: bigint): Promise<void> {
    this.positions.set(name, position);
    return Promise.resolve();
  }
}

/** Stored events as today's: upcast, renamed, split; and what is done about those that nobody knows. */
import { deterministicId, type DomainEvent, type EventSchemas } from '@annals/core';
import { UnknownEvent } from './errors.js';
import type { RecordedEvent } from './recorded-event.js';

/** What is done when an event's type, or this version of it, is not known: stop with an error, or go on without it. */
export type UnknownEventPolicy = 'fail' | 'skip';

export class StoredEvents {
  private readonly skipped = new Map<string, number>();

  constructor(private readonly policy: UnknownEventPolicy) {}

  /** How many unknown events were skipped, by `<type>@<version>`, since the process began. */
  get skippedCounts(): ReadonlyMap<string, number> {
    return this.skipped;
  }

  /**
   * The event in today's shape. One that is several events today gives them with the same place and time; the first
   * keeps its id, the others have ids of their own.
   * @throws UnknownEvent, UpcastFailed
   */
  read<E extends DomainEvent>(schemas: EventSchemas, recorded: RecordedEvent): readonly RecordedEvent<E>[] {
    const { event, at } = recorded;
    const version = at.schemaVersion ?? 1;
    if (schemas.isCurrent(event.type, version)) return [recorded as RecordedEvent<E>];
    const events = schemas.read({ type: event.type, version, data: event.data });
    if (!events) return this.unknown(recorded, version);
    return events.map((today, index) => ({
      event: today as E,
      at: index === 0 ? at : { ...at, id: deterministicId('split', at.id, index) },
    }));
  }

  readAll<E extends DomainEvent>(schemas: EventSchemas, recorded: readonly RecordedEvent[]): RecordedEvent<E>[] {
    return recorded.flatMap((each) => this.read<E>(schemas, each));
  }

  private unknown({ event, at }: RecordedEvent, version: number): [] {
    if (this.policy === 'fail') throw new UnknownEvent(at.stream, at.revision, event.type, version);
    const name = `${event.type}@${version}`;
    this.skipped.set(name, (this.skipped.get(name) ?? 0) + 1);
    return [];
  }
}

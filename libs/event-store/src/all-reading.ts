/** `$all` from a position to its end, as a back-pressured sequence that survives broken connections. */
import { fullJitterMs, pause, type Backoff, type DomainEvent } from '@annals/core';
import { CatchUp } from './catch-up.js';
import { isTransportError, type EventStoreConnection } from './connection.js';
import { EventStoreUnavailable } from './errors.js';
import { beginning, type RecordedEvent } from './recorded-event.js';

export interface ReadAllOptions {
  /** Position to begin behind; default: the beginning. */
  readonly after?: bigint;
  /** Only streams whose names begin with one of these. */
  readonly prefixes?: readonly string[];
}

const backoff: Backoff = { firstMs: 50, maxMs: 1_000 };
const maxAttempts = 12;

export async function* readAll<E extends DomainEvent>(
  connection: EventStoreConnection,
  { after = beginning, prefixes = [] }: ReadAllOptions,
): AsyncGenerator<RecordedEvent<E>> {
  const forEver = new AbortController().signal;
  let position = after;
  for (let attempt = 1; ; attempt++) {
    const catchUp = new CatchUp(connection, prefixes, position);
    try {
      for (;;) {
        const { events, caughtUp } = await catchUp.next(forEver);
        attempt = 1;
        for (const recorded of events) {
          position = recorded.at.position;
          yield recorded as RecordedEvent<E>;
        }
        if (caughtUp) return;
      }
    } catch (error) {
      if (!isTransportError(error)) throw error;
      if (attempt === maxAttempts) throw new EventStoreUnavailable('read of $all', { cause: error });
      await pause(fullJitterMs(attempt, backoff));
    } finally {
      await catchUp.close();
    }
  }
}

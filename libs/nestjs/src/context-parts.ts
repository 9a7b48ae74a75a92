/** The parts that a context stands on, made from the environment once at boot. */
import { fullJitterMs, pause, type Backoff, type Log } from '@annals/core';
import { EventStore } from '@annals/event-store';
import { EventStoreTransport, NatsTransport, natsSettings, type Transport } from '@annals/messaging';
import {
  connectReadDatabase,
  PostgresCheckpoints,
  ReadDatabaseUnavailable,
  type ReadDatabase,
} from '@annals/projections';
import type { ContextMap } from './context-map.js';
import type { Settings } from './settings.js';

/** Injection tokens of the parts that are interfaces. */
export const READ_DATABASE = Symbol('ReadDatabase');
export const TRANSPORT = Symbol('Transport');
export const TELEMETRY = Symbol('Telemetry');

export const openEventStore = ({ eventStoreUrl }: Settings): EventStore => new EventStore({ url: eventStoreUrl });

/** JetStream, or the event store itself where there is no broker. */
export function openTransport(
  { name }: ContextMap,
  { messagingTransport, natsUrl }: Settings,
  eventStore: EventStore,
  database: ReadDatabase,
  log: Log,
): Transport {
  if (messagingTransport === 'eventstore')
    return new EventStoreTransport({ eventStore, checkpoints: new PostgresCheckpoints(database), log });
  return new NatsTransport({ ...natsSettings(process.env, natsUrl), clientName: name, log });
}

const patience: Backoff = { firstMs: 250, maxMs: 2_000 };
const tries = 30;

/**
 * Waits for a database that is not there yet: parts may start in any order.
 * @throws ReadDatabaseUnavailable after about half a minute
 */
export async function openReadDatabase(map: ContextMap, settings: Settings, log: Log): Promise<ReadDatabase> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await connectReadDatabase({
        url: settings.databaseUrl,
        context: map.name,
        readModels: map.readModels ?? [],
      });
    } catch (error) {
      if (!(error instanceof ReadDatabaseUnavailable) || attempt === tries) throw error;
      log.warn(`${error.message} Trying again.`, { attempt });
      await pause(fullJitterMs(attempt, patience));
    }
  }
}

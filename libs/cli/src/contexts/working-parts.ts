/** The parts that a command works on by itself, whether apps run or not; closed afterwards. */
import { beginning, EventStore } from '@annals/event-store';
import { EventStoreTransport, NatsTransport, natsSettings, type Transport } from '@annals/messaging';
import type { ContextMap } from '@annals/nestjs';
import { connectReadDatabase, type ReadDatabase } from '@annals/projections';
import type { Invocation } from '../invocation.js';
import { messagingTransport } from '../parts/messaging-transport.js';
import { urlOf } from '../parts/parts.js';

export async function withEventStore<Result>(
  invocation: Invocation,
  work: (store: EventStore) => Promise<Result>,
): Promise<Result> {
  const store = new EventStore({ url: urlOf(invocation, 'EVENTSTORE_URL') });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

export async function withDatabase<Result>(
  { name: context }: Pick<ContextMap, 'name'>,
  invocation: Invocation,
  work: (database: ReadDatabase) => Promise<Result>,
): Promise<Result> {
  const database = await connectReadDatabase({ url: urlOf(invocation, 'DATABASE_URL'), context, readModels: [] });
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

/** What carries messages, for looking and mending: nothing is consumed. */
export async function withTransport<Result>(
  invocation: Invocation,
  work: (transport: Transport) => Promise<Result>,
): Promise<Result> {
  if (messagingTransport(invocation) === 'eventstore')
    return withEventStore(invocation, (eventStore) => {
      const checkpoints = { load: () => Promise.resolve(beginning), save: () => Promise.resolve() };
      return closing(new EventStoreTransport({ eventStore, checkpoints }), work);
    });
  const settings = natsSettings(invocation.env, urlOf(invocation, 'NATS_URL'));
  return closing(new NatsTransport({ ...settings, clientName: 'annals' }), work);
}

async function closing<Result>(transport: Transport, work: (transport: Transport) => Promise<Result>): Promise<Result> {
  try {
    return await work(transport);
  } finally {
    await transport.close();
  }
}

// Messages from publishing to the end of their effect, over JetStream: against the bare client with acknowledgements on the
// same nats-server. Ours checks each message against its contract on both sides, keeps the order per aggregate, tries again.
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { provideNatsServer, startEventStoreProcess, startNats } from '@annals/embedded';
import { beginning, EventStore } from '@annals/event-store';
import { contractOf, EventStoreTransport, IntegrationServer, NatsTransport } from '@annals/messaging';
import { OrderPlaced } from '@annals/contracts';
import { AckPolicy, DeliverPolicy, jetstream, jetstreamManager, StorageType } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { throughput } from '../harness/load.mjs';

const count = 10_000;
const aggregates = 1_000;
const inFlight = 256;
const goal = 0.6;

const { example } = contractOf(OrderPlaced.type);

/** A message as the publisher makes it, of one of many orders. */
const message = (i) => ({
  specversion: '1.0',
  datacontenttype: 'application/json',
  id: randomUUID(),
  source: 'orders',
  type: OrderPlaced.type,
  subject: `order-${i % aggregates}`,
  time: new Date().toISOString(),
  data: example,
  correlationid: 'c',
  causationid: 'c',
});

/** Counts what has had its effect, and says when it is enough. */
function counter() {
  let left = 0;
  let enough = () => undefined;
  return {
    one: () => --left === 0 && enough(),
    expect: (wanted) => {
      left = wanted;
      return new Promise((done) => (enough = done));
    },
  };
}

/** Publishes and waits until everything has had its effect. @returns messages a second */
async function measured(arrived, publish) {
  const all = arrived.expect(count);
  const began = performance.now();
  await throughput(count, inFlight, publish);
  await all;
  return (count * 1_000) / (performance.now() - began);
}

async function ours(transport) {
  const arrived = counter();
  const server = new IntegrationServer({ context: 'listener', transport });
  server.handle(OrderPlaced, async () => void arrived.one());
  await new Promise((done, failed) => server.listen((error) => (error ? failed(error) : done())));
  return {
    run: () => measured(arrived, (i) => transport.publish({ kind: 'events' }, message(i))),
    close: async () => {
      await server.close();
      await transport.close();
    },
  };
}

/** One stream, one durable consumer, explicit acks: what a program without a framework would write. */
async function bare(url) {
  const connection = await connect({ servers: url, noAsyncTraces: true });
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: 'bare', subjects: ['bare.>'], storage: StorageType.File });
  await manager.consumers.add('bare', {
    durable_name: 'bare',
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    max_ack_pending: 1_000,
  });
  const client = jetstream(connection);
  const arrived = counter();
  const consumer = await client.consumers.get('bare', 'bare');
  const messages = await consumer.consume({
    max_messages: 500,
    callback: (received) => {
      received.json();
      received.ack();
      arrived.one();
    },
  });
  return {
    run: () =>
      measured(arrived, (i) => {
        const sent = message(i);
        return client.publish(`bare.${sent.subject}`, JSON.stringify(sent), { msgID: sent.id });
      }),
    close: async () => {
      await messages.close();
      await connection.close();
    },
  };
}

export async function open() {
  mkdirSync('.runtime', { recursive: true });
  const folder = mkdtempSync('.runtime/bench-messaging-');
  const binary = await provideNatsServer({ runtimeDir: resolve('.runtime') });
  const nats = await startNats({ binary, port: 0, storeDir: resolve(folder, 'nats') });
  const eventStore = await startEventStoreProcess({ port: 0, dataDir: resolve(folder, 'event-store') });
  const store = new EventStore({ url: eventStore.url });
  const peer = await bare(nats.url);
  const overNats = await ours(new NatsTransport({ url: nats.url }));
  const checkpoints = { load: () => Promise.resolve(beginning), save: () => Promise.resolve() };
  const overStore = await ours(new EventStoreTransport({ eventStore: store, checkpoints }));
  return {
    comparisons: [
      {
        work: `published and consumed over nats, ${inFlight} in flight`,
        unit: 'messages/s',
        ours: overNats.run,
        peer: peer.run,
        peerName: 'bare JetStream client',
        goal,
      },
      {
        work: `published and consumed over the event store, ${inFlight} in flight`,
        unit: 'messages/s',
        ours: overStore.run,
        peer: peer.run,
        peerName: 'bare JetStream client',
      },
    ],
    async close() {
      await Promise.all([overNats.close(), overStore.close(), peer.close()]);
      await store.close();
      await Promise.all([nats.stop(), eventStore.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

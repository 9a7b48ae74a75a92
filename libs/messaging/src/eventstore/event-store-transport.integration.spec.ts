import { afterAll, beforeAll } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { beginning, EventStore, type CheckpointStore } from '@annals/event-store';
import { testEventStore, type TestEventStore } from '@annals/testing';
import { cuttableProxy } from '../../test/cuttable-proxy.js';
import { transportSuite, type TransportBed } from '../../test/transport-suite.js';
import type { Transport } from '../index.js';
import { EventStoreTransport } from './event-store-transport.js';

let server: TestEventStore;
beforeAll(async () => {
  server = await testEventStore();
});
afterAll(() => server.close());

/** A process's way to the stored checkpoints, which ends when the process is killed. */
function checkpointsOfProcess(stored: Map<string, bigint>): CheckpointStore & { die(): void } {
  let alive = true;
  return {
    load: (name) => Promise.resolve(stored.get(name) ?? beginning),
    save(name, position) {
      if (alive) stored.set(name, position);
      return Promise.resolve();
    },
    die: () => (alive = false),
  };
}

async function openBed(): Promise<TransportBed> {
  const prefix = `t${randomBytes(6).toString('hex')}`;
  const proxy = await cuttableProxy(Number(new URL(server.url).port));
  const url = server.url.replace(/:\d+/, `:${proxy.port}`);
  const stored = new Map<string, bigint>();
  const opened = new Map<Transport, { store: EventStore; die(): void }>();

  return {
    open() {
      const store = new EventStore({ url });
      const checkpoints = checkpointsOfProcess(stored);
      const transport = new EventStoreTransport({ eventStore: store, checkpoints, prefix });
      opened.set(transport, { store, die: () => checkpoints.die() });
      return transport;
    },
    async kill(transport) {
      const process = opened.get(transport);
      process?.die();
      opened.delete(transport);
      await process?.store.close();
    },
    cut: () => proxy.cut(),
    mend: () => proxy.mend(),
    async putUnreadable(context, body) {
      const store = new EventStore({ url: server.url });
      const event = { type: 'strange', data: { body } };
      const metadata = {};
      const id = '8b0f0a3e-6c0b-4a4e-9a53-6f2d5f3d2b11';
      await store.streams.append(`${prefix}_integration_commands-${context}`, [{ id, event, metadata }], 'any');
      await store.close();
    },
    async close() {
      proxy.mend();
      for (const [transport, { store }] of opened) {
        await transport.close();
        await store.close();
      }
      await proxy.close();
    },
  };
}

transportSuite('the event store', openBed);

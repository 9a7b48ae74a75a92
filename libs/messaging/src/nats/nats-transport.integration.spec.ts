import { randomBytes } from 'node:crypto';
import { testNats } from '@annals/testing';
import { connect } from '@nats-io/transport-node';
import { cuttableProxy } from '../../test/cuttable-proxy.js';
import { transportSuite, type TransportBed } from '../../test/transport-suite.js';
import type { Transport } from '../index.js';
import { NatsTransport } from './nats-transport.js';

async function openBed(): Promise<TransportBed> {
  const { url } = await testNats();
  const prefix = `t${randomBytes(6).toString('hex')}`;
  const proxy = await cuttableProxy(Number(new URL(url).port));
  const opened = new Map<Transport, () => Promise<void>>();
  const make = (port: number) =>
    new NatsTransport({
      url: `nats://127.0.0.1:${port}`,
      prefix,
      limits: { ackWaitMs: 1_000, duplicateWindowMs: 60_000 },
    });

  return {
    open() {
      const transport = make(proxy.port);
      opened.set(transport, () => transport.close());
      return transport;
    },
    async kill(transport) {
      // A process that is gone says nothing any more; its objects stay behind, without a connection.
      await (transport as unknown as { links: { close(): Promise<void> } }).links.close();
      opened.delete(transport);
    },
    cut: () => proxy.cut(),
    mend: () => proxy.mend(),
    async putUnreadable(context, body) {
      const connection = await connect({ servers: url });
      connection.publish(`${prefix}.commands.${context}.strange`, body);
      await connection.flush();
      await connection.close();
    },
    async close() {
      proxy.mend();
      await Promise.all([...opened.values()].map((close) => close()));
      await proxy.close();
      const connection = await connect({ servers: url });
      const { jetstreamManager } = await import('@nats-io/jetstream');
      const manager = await jetstreamManager(connection);
      for (const stream of ['events', 'commands', 'dead-letters']) await manager.streams.delete(`${prefix}-${stream}`);
      await connection.close();
    },
  };
}

transportSuite('NATS JetStream', openBed);

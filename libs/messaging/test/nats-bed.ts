/** A corner of the worker's nats-server for one test, behind a proxy that can be cut. */
import { randomBytes } from 'node:crypto';
import { testNats } from '@annals/testing';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { NatsTransport, type NatsTransportOptions } from '../src/index.js';
import { cuttableProxy } from './cuttable-proxy.js';

export interface NatsBed {
  readonly prefix: string;
  /** A process's transport; closed with the bed at the latest. */
  open(options?: Partial<NatsTransportOptions>): NatsTransport;
  /** Ends what `open` gave, as `kill -9` does. */
  kill(transport: NatsTransport): Promise<void>;
  cut(): void;
  mend(): void;
  /** A connection of the test itself, past the proxy. */
  direct<Result>(work: (connection: NatsConnection, manager: JetStreamManager) => Promise<Result>): Promise<Result>;
  close(): Promise<void>;
}

export async function natsBed(): Promise<NatsBed> {
  const { url } = await testNats();
  const prefix = `t${randomBytes(6).toString('hex')}`;
  const proxy = await cuttableProxy(Number(new URL(url).port));
  const opened = new Set<NatsTransport>();

  const direct: NatsBed['direct'] = async (work) => {
    const connection = await connect({ servers: url });
    try {
      return await work(connection, await jetstreamManager(connection));
    } finally {
      await connection.close();
    }
  };

  return {
    prefix,
    direct,
    cut: () => proxy.cut(),
    mend: () => proxy.mend(),
    open(options = {}) {
      const limits = { ackWaitMs: 1_000 };
      const transport = new NatsTransport({ url: `nats://127.0.0.1:${proxy.port}`, prefix, limits, ...options });
      opened.add(transport);
      return transport;
    },
    async kill(transport) {
      // A process that is gone says nothing any more; its objects stay behind, without a connection.
      await (transport as unknown as { links: { close(): Promise<void> } }).links.close();
      opened.delete(transport);
    },
    async close() {
      proxy.mend();
      await Promise.all([...opened].map((transport) => transport.close()));
      await proxy.close();
      await direct(async (_, manager) => {
        for await (const { config } of manager.streams.list())
          if (config.name.startsWith(prefix)) await manager.streams.delete(config.name);
      });
    },
  };
}

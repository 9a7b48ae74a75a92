import { existsSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import { EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PortTaken } from '../errors.js';
import type { RunningPart } from '../running-part.js';
import { startEventStoreProcess, type EventStoreProcessOptions } from './start-event-store-process.js';

let servers: RunningPart[];

beforeEach(() => {
  servers = [];
});

afterEach(async () => {
  await Promise.all(servers.map((server) => server.stop()));
});

async function start(options: EventStoreProcessOptions = {}): Promise<RunningPart> {
  const server = await startEventStoreProcess({ port: 0, ...options });
  servers.push(server);
  return server;
}

async function withClient<T>({ url }: RunningPart, work: (client: EventStoreDBClient) => Promise<T>): Promise<T> {
  const client = EventStoreDBClient.connectionString(url);
  try {
    return await work(client);
  } finally {
    await client.dispose();
  }
}

const append = (server: RunningPart) =>
  withClient(server, (client) =>
    client.appendToStream('order-1', jsonEvent({ type: 'OrderPlaced', data: { total: 42 } })),
  );

async function read(server: RunningPart): Promise<unknown[]> {
  return withClient(server, async (client) => {
    const data: unknown[] = [];
    for await (const { event } of client.readStream('order-1')) data.push(event?.data);
    return data;
  });
}

describe('the event store as a process of its own', () => {
  it('serves at the address it gives, and ends gracefully without leaving a file behind', async () => {
    const server = await start();
    expect(server.url).toMatch(new RegExp(`^esdb://127\\.0\\.0\\.1:${server.port}\\b`));
    await append(server);
    expect(await read(server)).toEqual([{ total: 42 }]);
    await server.stop();
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(existsSync(dirname(server.logFile))).toBe(false);
  });

  it('says that it has ended when it is killed', async () => {
    const server = await start();
    process.kill(server.pid, 'SIGKILL');
    expect(await server.exited).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('names the port that is taken and the variable that chooses another', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    try {
      const { port } = other.address() as AddressInfo;
      const failure = await start({ port }).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(PortTaken);
      expect((failure as Error).message).toMatch(new RegExp(`${port}.*EVENTSTORE_PORT`));
    } finally {
      other.close();
    }
  });
});

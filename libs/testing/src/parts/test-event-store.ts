import { startEventStore } from '@annals/server';

export interface TestEventStore {
  /** For `EventStoreDBClient.connectionString`. */
  readonly url: string;
  /** Call it in `afterAll`, after the clients are disposed of: an open server keeps Jest from ending. */
  close(): Promise<void>;
}

/** An event store of its own for each test file, in this process and in memory. */
export async function testEventStore(): Promise<TestEventStore> {
  const server = await startEventStore({ host: '127.0.0.1', port: 0, memory: true });
  return { url: server.url, close: () => server.close() };
}

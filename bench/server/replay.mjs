// Starts the replaying server in a process of its own, as the event store is in one.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { EventStoreDBClient } from '@eventstore/db-client';

/** @param url of the event store whose answers it records */
export async function startReplay(url) {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'replay-server.mjs'), new URL(url).host], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const [port] = await Promise.race([
    once(child.stdout, 'data'),
    exited.then(([code]) => Promise.reject(new Error(`The replaying server ended with exit code ${code}.`))),
  ]);
  const client = EventStoreDBClient.connectionString(`esdb://127.0.0.1:${String(port).trim()}?tls=false`);
  return {
    client,
    stop: async () => {
      await client.dispose();
      child.stdin.end();
      await exited;
    },
  };
}

/**
 * Jest's `globalSetup`: lets the workers of this run have a Postgres and a nats-server each. They are started when a
 * test first asks for them (`testPostgres`, `testNats`), so a run that needs none pays nothing. Apps that are started trust
 * the tokens of a key of this run.
 */
import { join } from 'node:path';
import { PartSet } from './parts/part-set.js';
import { doorVariable, openDoor } from './parts/parts-door.js';
import { keyVariable, makeTestKey } from './test-key.js';

/** How jest-global-teardown.ts, which runs in the same process, ends what was begun here. */
export let endParts = (): Promise<void> => Promise.resolve();

export default async function jestGlobalSetup({ rootDir }: { readonly rootDir: string }): Promise<void> {
  const parts = new PartSet(join(rootDir, '.runtime'));
  const { server, address } = await openDoor(parts);
  process.env[doorVariable] = address;
  const key = await makeTestKey();
  process.env[keyVariable] = key.file;
  endParts = async () => {
    delete process.env[doorVariable];
    delete process.env[keyVariable];
    await key.remove();
    server.close();
    await parts.stop();
  };
}

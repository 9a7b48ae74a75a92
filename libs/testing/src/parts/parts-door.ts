/**
 * How the workers of a Jest run come to their parts: the run's main process owns them, so that they outlive test files
 * and end with the run, and answers `GET /<kind>/<worker>` on a loopback port that the workers find in their environment.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TestPartUnavailable } from '../errors.js';
import { kinds, type PartKind, type PartSet } from './part-set.js';

export const doorVariable = 'ANNALS_TEST_PARTS';

type Answer = { url: string } | { reason: string };

const isPartKind = (kind: string | undefined): kind is PartKind => kinds.some((known) => known === kind);

async function answer(parts: PartSet, path: string | undefined): Promise<Answer> {
  const [, kind, worker] = path?.split('/') ?? [];
  if (!isPartKind(kind) || worker === undefined) return { reason: `there is no part ${String(path)}` };
  try {
    return { url: await parts.url(kind, worker) };
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}

/** @returns the door and its address, the value for {@link doorVariable} */
export async function openDoor(parts: PartSet): Promise<{ server: Server; address: string }> {
  const server = createServer((request, response) => {
    void answer(parts, request.url).then((result) => {
      response.setHeader('content-type', 'application/json').setHeader('connection', 'close');
      response.end(JSON.stringify(result));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return { server, address: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** @throws {TestPartUnavailable} */
export async function askDoor(address: string, kind: PartKind, worker: string): Promise<string> {
  const response = await fetch(`${address}/${kind}/${worker}`);
  const result = (await response.json()) as Answer;
  if ('reason' in result) throw new TestPartUnavailable(kind, result.reason);
  return result.url;
}

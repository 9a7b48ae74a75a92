/** Nodes that are no longer the leader, and connections that must prove who they are. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { beginning, EventStore, EventStoreAccessDenied, noEvents, type RecordedEvent } from './index.js';
import { startEventStore } from '@annals/server';
import { eventually } from '@annals/testing';
import { follower } from '../test/follower.js';
import { unreliableProxy } from '../test/unreliable-proxy.js';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
function closed<Part extends { close(): Promise<unknown> }>(part: Part): Part {
  closing.push(() => part.close());
  return part;
}

const numbered = (n: number) => ({ id: randomUUID(), event: { type: 'Numbered', data: { n } }, metadata: {} });

describe('when the leader changes', () => {
  it('appends, reads and the feed go to the node that is named', async () => {
    const server = closed(await startEventStore({ memory: true }));
    const [first, second] = [closed(await unreliableProxy(server.port)), closed(await unreliableProxy(server.port))];
    const former = closed(await follower(first.port));
    const store = closed(new EventStore({ url: `esdb://127.0.0.1:${former.port}?tls=false`, callTimeoutMs: 2_000 }));
    const seen: RecordedEvent[] = [];
    const feed = store.feed(['a-'], { watchdogMs: 200 });
    feed.run({
      name: 'all',
      checkpoint: () => Promise.resolve(seen.at(-1)?.at.position ?? beginning),
      handle: ({ events }) => Promise.resolve(void seen.push(...events)),
      onFailure: () => undefined,
    });

    await Promise.all(Array.from({ length: 20 }, (_, n) => store.streams.append(`a-${n}`, [numbered(n)], noEvents)));
    await eventually(() => expect(seen).toHaveLength(20));
    expect(former.refused).toBeGreaterThan(0);
    expect(first.connections).toBeGreaterThan(0);

    // The node that led is gone, and another one leads.
    former.follow(second.port);
    first.cut();
    await Promise.all(Array.from({ length: 20 }, (_, n) => store.streams.append(`a-${n}`, [numbered(n)], 0)));
    await eventually(() => expect(seen).toHaveLength(40), { within: 10_000 });
    expect(await store.streams.readToEnd('a-7')).toHaveLength(2);
    const revisions: number[] = [];
    for await (const { at } of store.streams.read('a-7')) revisions.push(at.revision);
    expect(revisions).toEqual([0, 1]);
    expect(second.connections).toBeGreaterThan(0);
    expect(new Set(seen.map(({ at }) => at.id)).size).toBe(40);
  });
});

describe('over TLS', () => {
  const fixtures = join(import.meta.dirname, '../../server/test/fixtures');
  const tls = {
    certificateFile: join(fixtures, 'test-certificate.pem'),
    privateKeyFile: join(fixtures, 'test-key.pem'),
  };
  const start = async () => closed(await startEventStore({ memory: true, tls, adminPassword: 'secret' }));
  const urlOf = (port: number, user: string) =>
    `esdb://${user}localhost:${port}?tls=true&tlsCAFile=${encodeURIComponent(tls.certificateFile)}`;

  it('the credentials of the connection string go with appends and reads', async () => {
    const { port } = await start();
    const store = closed(new EventStore({ url: urlOf(port, 'admin:secret@') }));
    expect((await store.streams.append('a-1', [numbered(1)], noEvents)).revision).toBe(0);
    expect(await store.streams.readToEnd('a-1')).toHaveLength(1);
  });

  it('without the right ones both are refused', async () => {
    const { port } = await start();
    const store = closed(new EventStore({ url: urlOf(port, 'admin:wrong@') }));
    await expect(store.streams.append('a-1', [numbered(1)], noEvents)).rejects.toThrow(EventStoreAccessDenied);
    await expect(store.streams.readToEnd('a-1')).rejects.toThrow(EventStoreAccessDenied);
  });

  it('a server that nobody vouches for is not talked to', async () => {
    const { port } = await start();
    const store = closed(new EventStore({ url: `esdb://admin:secret@localhost:${port}?tls=true`, retryForMs: 200 }));
    await expect(store.streams.append('a-1', [numbered(1)], noEvents)).rejects.toMatchObject({
      code: 'EVENT_STORE_UNAVAILABLE',
    });
  });
});

/** What the recorded traces do not show: lifecycle, limits, security, scavenging, operations, moving data. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import db from '@eventstore/db-client';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../test/eventually.js';
import { ServerProcess } from '../test/server-process.js';
import {
  checkStore,
  exportStreams,
  importStreams,
  startEventStore,
  type EventStoreOptions,
  type RunningEventStore,
} from './index.js';

const fixtures = join(import.meta.dirname, '..', 'test', 'fixtures');
const event = (n: number, filler = 0) => db.jsonEvent({ type: 'Counted', data: { n, filler: 'x'.repeat(filler) } });
const events = (count: number, filler = 0) => Array.from({ length: count }, (_, n) => event(n, filler));

describe('the embedded event store', () => {
  const servers: RunningEventStore[] = [];
  const clients: db.EventStoreDBClient[] = [];
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'annals-server-'));
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.dispose();
    for (const server of servers.splice(0)) await server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function start(options: EventStoreOptions = { memory: true }): Promise<RunningEventStore> {
    const server = await startEventStore(options);
    servers.push(server);
    return server;
  }
  function connect(url: string): db.EventStoreDBClient {
    const client = db.EventStoreDBClient.connectionString(url);
    clients.push(client);
    return client;
  }
  const read = async (client: db.EventStoreDBClient, stream: string): Promise<number[]> => {
    const found: number[] = [];
    for await (const { event: recorded } of client.readStream(stream)) found.push(Number(recorded?.revision));
    return found;
  };

  describe('in memory', () => {
    it('starts in less than 50 ms', async () => {
      await (await startEventStore({ memory: true })).close();
      const times: number[] = [];
      for (let i = 0; i < 9; i++) {
        const since = performance.now();
        const server = await startEventStore({ memory: true });
        times.push(performance.now() - since);
        await server.close();
      }
      expect(times.sort((a, b) => a - b)[4]).toBeLessThan(50);
    });
  });

  describe('appending', () => {
    it('keeps the order and the revisions of 2,000 appends at once on one call', async () => {
      const client = connect((await start({ path: folder })).url);
      const results = await Promise.all(
        Array.from({ length: 2000 }, (_, n) => client.appendToStream(`s-${n % 20}`, event(n))),
      );
      expect(results.every(({ success }) => success)).toBe(true);
      for (let s = 0; s < 20; s++)
        expect(await read(client, `s-${s}`)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    }, 30_000);

    it('lets one of many writers with the same expectation win', async () => {
      const client = connect((await start({ path: folder })).url);
      const outcomes = await Promise.allSettled(
        Array.from({ length: 50 }, (_, n) =>
          client.appendToStream('race', event(n), { expectedRevision: db.NO_STREAM }),
        ),
      );
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const outcome of outcomes)
        if (outcome.status === 'rejected')
          expect(outcome.reason).toMatchObject({ type: 'wrong-expected-version', actualVersion: 0n });
      expect(await read(client, 'race')).toEqual([0]);
    });

    it('answers the deadline of a batch that has passed', async () => {
      const client = connect((await start()).url);
      await expect(client.appendToStream('late', event(0), { deadline: -1000 })).rejects.toBeInstanceOf(
        db.DeadlineExceededError,
      );
      await expect(read(client, 'late')).rejects.toBeInstanceOf(db.StreamNotFoundError);
    });

    it('has the limit that it was given', async () => {
      const client = connect((await start({ memory: true, maxAppendSize: 1000 })).url);
      await expect(client.appendToStream('big', event(0, 2000))).rejects.toMatchObject({
        type: 'maximum-append-size-exceeded',
        maxAppendSize: 1000,
      });
    });

    it('remembers ids over a restart', async () => {
      const again = event(0);
      const first = await start({ path: folder });
      const written = await connect(first.url).appendToStream('s', again);
      await first.close();
      const client = connect((await start({ path: folder })).url);
      expect(await client.appendToStream('s', again)).toEqual(written);
      expect(await read(client, 's')).toEqual([0]);
    });
  });

  describe('subscriptions', () => {
    it('go from catch-up to live without a gap or a duplicate while others write', async () => {
      const client = connect((await start({ path: folder })).url);
      await client.appendToStream('s', events(3000));
      let writing = true;
      const writers = [0, 1, 2].map(async () => {
        while (writing) await client.appendToStream('s', events(5));
      });
      const revisions: number[] = [];
      const seen: bigint[] = [];
      const toStream = client
        .subscribeToStream('s')
        .on('data', ({ event: recorded }) => revisions.push(Number(recorded?.revision)));
      const toAll = client
        .subscribeToAll({ filter: db.streamNameFilter({ prefixes: ['s'] }) })
        .on('data', ({ event: recorded }) => seen.push(recorded?.revision ?? -1n));
      await eventually(() => revisions.length > 4000 && seen.length > 4000);
      writing = false;
      await Promise.all(writers);
      const total = (await read(client, 's')).length;
      await eventually(() => revisions.length >= total && seen.length >= total);
      expect(revisions).toEqual(Array.from({ length: total }, (_, i) => i));
      expect(seen.map(Number)).toEqual(revisions);
      await Promise.all([toStream.unsubscribe(), toAll.unsubscribe()]);
    }, 30_000);

    it('resume from any checkpoint without a loss', async () => {
      const client = connect((await start()).url);
      for (let i = 0; i < 60; i++) await client.appendToStream(i % 7 === 0 ? 'wanted' : 'other', event(i));
      const checkpoints: db.Position[] = [];
      const all: bigint[] = [];
      const filter = (checkpointReached?: (position: db.Position) => void) =>
        db.streamNameFilter({
          prefixes: ['wanted'],
          checkpointInterval: 1,
          maxSearchWindow: 4,
          ...(checkpointReached
            ? { checkpointReached: (_, position) => Promise.resolve(checkpointReached(position)) }
            : {}),
        });
      const first = client
        .subscribeToAll({ filter: filter((position) => checkpoints.push(position)) })
        .on('data', ({ event: recorded }) => all.push(recorded?.position.commit ?? 0n));
      await once(first, 'caughtUp');
      await eventually(() => checkpoints.length >= 15);
      await first.unsubscribe();
      for (const checkpoint of checkpoints) {
        const rest: bigint[] = [];
        const second = client
          .subscribeToAll({ fromPosition: checkpoint, filter: filter() })
          .on('data', ({ event: recorded }) => rest.push(recorded?.position.commit ?? 0n));
        await once(second, 'caughtUp');
        await second.unsubscribe();
        expect(rest).toEqual(all.filter((position) => position > checkpoint.commit));
      }
    }, 30_000);

    it('keep everything for a slow subscriber', async () => {
      const server = await start({ path: folder });
      const client = connect(server.url);
      const slow = client.subscribeToStream('flood');
      await once(slow, 'confirmation');
      slow.pause();
      for (let i = 0; i < 20; i++) await client.appendToStream('flood', events(100, 3000));
      const received: number[] = [];
      slow.on('data', ({ event: recorded }) => received.push(Number(recorded?.revision)));
      slow.resume();
      await eventually(() => received.length >= 2000);
      expect(received).toEqual(Array.from({ length: 2000 }, (_, i) => i));
      await slow.unsubscribe();
    }, 60_000);
  });

  describe('persistent subscriptions', () => {
    it('keep settings, parked messages and what was in flight over a kill', async () => {
      const first = await ServerProcess.start({ path: folder });
      const before = connect(first.url);
      await before.appendToStream('s', events(5));
      await before.createPersistentSubscriptionToStream(
        's',
        'g',
        db.persistentSubscriptionToStreamSettingsFromDefaults({
          startFrom: db.START,
          maxRetryCount: 3,
          checkPointAfter: 50,
          checkPointLowerBound: 1,
        }),
      );
      const received: db.PersistentSubscriptionToStreamResolvedEvent[] = [];
      const consumer = before
        .subscribeToPersistentSubscriptionToStream('s', 'g')
        .on('data', (resolved) => received.push(resolved));
      consumer.on('error', () => undefined);
      await eventually(() => received.length === 5);
      const [a, b] = received;
      if (!a || !b) throw new Error('nothing was received');
      await consumer.ack(a);
      await consumer.nack('park', 'not now', b);
      await eventually(
        async () =>
          (await before.getPersistentSubscriptionToStreamInfo('s', 'g')).stats.lastCheckpointedEventRevision === 1n,
      );
      await first.kill();

      const second = await ServerProcess.start({ path: folder, port: first.port });
      try {
        const after = connect(second.url);
        const info = await after.getPersistentSubscriptionToStreamInfo('s', 'g');
        expect(info.settings).toMatchObject({ maxRetryCount: 3, startFrom: db.START, checkPointAfter: 50 });
        expect(info.stats.parkedMessageCount).toBe(1n);
        const again: number[] = [];
        const consumer2 = after
          .subscribeToPersistentSubscriptionToStream('s', 'g')
          .on('data', (resolved) => again.push(Number(resolved.event?.revision)));
        await eventually(() => again.length === 3);
        expect(again).toEqual([2, 3, 4]);
        await after.replayParkedMessagesToStream('s', 'g');
        await eventually(() => again.length === 4);
        expect(again[3]).toBe(1);
        await consumer2.unsubscribe();
      } finally {
        await second.stop();
      }
    }, 30_000);

    it('deliver everything once to many consumers, whatever the strategy', async () => {
      const client = connect((await start()).url);
      for (const consumerStrategyName of [db.ROUND_ROBIN, db.DISPATCH_TO_SINGLE, db.PINNED] as const) {
        const stream = `many-${consumerStrategyName}`;
        await client.createPersistentSubscriptionToStream(
          stream,
          'g',
          db.persistentSubscriptionToStreamSettingsFromDefaults({ startFrom: db.START, consumerStrategyName }),
        );
        const got: number[] = [];
        const consumers = [0, 1, 2].map(() => {
          const consumer = client.subscribeToPersistentSubscriptionToStream(stream, 'g', { bufferSize: 7 });
          return consumer.on('data', (resolved) => {
            got.push(Number(resolved.event?.revision));
            void consumer.ack(resolved);
          });
        });
        for (let i = 0; i < 10; i++) await client.appendToStream(stream, events(100));
        await eventually(() => got.length >= 1000);
        expect(got.sort((x, y) => x - y)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
        await Promise.all(consumers.map((consumer) => consumer.unsubscribe()));
      }
    }, 60_000);

    it('redeliver what was in flight when the server stopped in order', async () => {
      const first = await start({ path: folder });
      const before = connect(first.url);
      const settings = db.persistentSubscriptionToStreamSettingsFromDefaults({ startFrom: db.START });
      await before.createPersistentSubscriptionToStream('s', 'g', settings);
      await before.appendToStream('s', events(4));
      const received: db.PersistentSubscriptionToStreamResolvedEvent[] = [];
      const consumer = before.subscribeToPersistentSubscriptionToStream('s', 'g');
      consumer.on('data', (resolved) => received.push(resolved)).on('error', () => undefined);
      await eventually(() => received.length === 4);
      const [acknowledged] = received;
      if (!acknowledged) throw new Error('nothing was received');
      await consumer.ack(acknowledged);
      await eventually(
        async () => (await before.getPersistentSubscriptionToStreamInfo('s', 'g')).stats.totalInFlightMessages === 3,
      );
      await first.close();

      const after = connect((await start({ path: folder })).url);
      const again: number[] = [];
      const second = after
        .subscribeToPersistentSubscriptionToStream('s', 'g')
        .on('data', (resolved) => again.push(Number(resolved.event?.revision)));
      await eventually(() => again.includes(3));
      expect(again.filter((revision) => revision > 0)).toEqual([1, 2, 3]);
      await second.unsubscribe();
    }, 30_000);

    it('go on after the subsystem was restarted', async () => {
      const client = connect((await start()).url);
      await client.appendToStream('s', events(2));
      await client.createPersistentSubscriptionToStream(
        's',
        'g',
        db.persistentSubscriptionToStreamSettingsFromDefaults({ startFrom: db.START }),
      );
      await client.restartPersistentSubscriptionSubsystem();
      const got: number[] = [];
      const consumer = client
        .subscribeToPersistentSubscriptionToStream('s', 'g')
        .on('data', (resolved) => got.push(Number(resolved.event?.revision)));
      await eventually(() => got.length === 2);
      await consumer.unsubscribe();
    });
  });

  describe('scavenging', () => {
    const stored = (): number =>
      readdirSync(join(folder, 'log')).reduce((sum, name) => sum + statSync(join(folder, 'log', name)).size, 0);

    it('frees space while the server serves, and changes nothing that can be read', async () => {
      const server = await start({ path: folder });
      const client = connect(server.url);
      for (let i = 0; i < 12; i++)
        for (const stream of ['cut', 'gone', 'dead', 'kept-1']) await client.appendToStream(stream, events(100, 200));
      await client.setStreamMetadata('cut', { maxCount: 3 });
      await client.deleteStream('gone');
      await client.tombstoneStream('dead');
      const seen: string[] = [];
      const live = client
        .subscribeToStream('kept-1', { fromRevision: db.END })
        .on('data', ({ event: recorded }) => seen.push(String(recorded?.revision)));
      await once(live, 'confirmation');
      const before = stored();
      const [report] = await Promise.all([
        server.scavenge(),
        client.appendToStream('kept-1', event(1200)),
        read(client, 'kept-1'),
      ]);
      expect(report.removedEvents).toBeGreaterThan(3500);
      expect(stored()).toBeLessThan(before / 2);
      expect(await read(client, 'cut')).toEqual([1197, 1198, 1199]);
      expect(await read(client, 'kept-1')).toHaveLength(1201);
      expect(
        (await client.appendToStream('gone', event(0), { expectedRevision: db.NO_STREAM })).nextExpectedRevision,
      ).toBe(1200n);
      await expect(client.appendToStream('dead', event(0))).rejects.toBeInstanceOf(db.StreamDeletedError);
      await eventually(() => seen.includes('1200'));
      await live.unsubscribe();
      await server.scavenge();
      await server.close();
      expect(await checkStore(folder)).toMatchObject({ ok: true, faults: [] });
      const again = connect((await start({ path: folder })).url);
      expect(await read(again, 'cut')).toEqual([1197, 1198, 1199]);
      expect(await read(again, '$ce-kept')).toHaveLength(1201);
      const backwards: bigint[] = [];
      for await (const { event: recorded } of again.readAll({ direction: db.BACKWARDS, fromPosition: db.END }))
        backwards.push(recorded?.position.commit ?? 0n);
      expect(backwards).toEqual([...backwards].sort((x, y) => (x < y ? 1 : -1)));
    }, 60_000);
  });

  describe('beyond loopback', () => {
    const tls = {
      certificateFile: join(fixtures, 'test-certificate.pem'),
      privateKeyFile: join(fixtures, 'test-key.pem'),
    };

    it.each([{}, { tls }, { adminPassword: 'secret' }])(
      'is refused without both TLS and a password (%j)',
      async (options) => {
        await expect(startEventStore({ memory: true, host: '0.0.0.0', ...options })).rejects.toMatchObject({
          code: 'SERVER_ADDRESS_REFUSED',
        });
      },
    );

    it('serves over TLS to those who know the password, and honours $acl', async () => {
      const server = await start({ memory: true, host: '0.0.0.0', tls, adminPassword: 'secret' });
      const url = `esdb://localhost:${server.port}?tls=true&tlsCAFile=${encodeURIComponent(tls.certificateFile)}`;
      const anonymous = connect(url);
      const credentials = { username: 'admin', password: 'secret' };
      await anonymous.appendToStream('open', event(0));
      await anonymous.setStreamMetadata(
        'closed',
        {
          acl: {
            readRoles: ['$admins'],
            writeRoles: ['$admins'],
            deleteRoles: [],
            metaReadRoles: [],
            metaWriteRoles: [],
          },
        },
        { credentials },
      );
      await anonymous.appendToStream('closed', event(0), { credentials });
      await expect(anonymous.appendToStream('closed', event(1))).rejects.toBeInstanceOf(db.AccessDeniedError);
      await expect(read(anonymous, 'closed')).rejects.toBeInstanceOf(db.AccessDeniedError);
      await expect(
        anonymous.appendToStream('open', event(1), { credentials: { ...credentials, password: 'wrong' } }),
      ).rejects.toBeInstanceOf(db.AccessDeniedError);
      await expect(
        anonymous.createPersistentSubscriptionToStream(
          'open',
          'g',
          db.persistentSubscriptionToStreamSettingsFromDefaults(),
        ),
      ).rejects.toBeInstanceOf(db.AccessDeniedError);
      const found: unknown[] = [];
      for await (const resolved of anonymous.readStream('closed', { credentials })) found.push(resolved);
      expect(found).toHaveLength(1);
    }, 20_000);
  });

  describe('around it', () => {
    it('answers /health/live, /info and /stats on the same port', async () => {
      const { port } = await start();
      const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
      expect((await get('/health/live')).status).toBe(204);
      expect(await (await get('/info')).json()).toMatchObject({
        esVersion: expect.stringMatching(/^23\.10\./),
        state: 'leader',
      });
      expect(await (await get('/stats')).json()).toMatchObject({ 'proc-id': process.pid });
      expect((await get('/elsewhere')).status).toBe(404);
    });

    it('says what to use instead of users and projections', async () => {
      const client = connect((await start()).url);
      await expect(client.createProjection('p', 'fromAll()')).rejects.toMatchObject({
        code: 12,
        message: expect.stringContaining('@annals/projections'),
      });
    });

    it('names a port that is taken', async () => {
      const { port } = await start();
      await expect(startEventStore({ memory: true, port })).rejects.toMatchObject({
        code: 'SERVER_ADDRESS_REFUSED',
        port,
        message: expect.stringContaining(String(port)),
      });
    });

    it('wants either a folder or memory', async () => {
      await expect(startEventStore({})).rejects.toMatchObject({ code: 'SERVER_INVALID_ARGUMENT' });
    });

    it('moves streams from one store to another, and can be interrupted', async () => {
      const source = await start();
      const from = connect(source.url);
      await from.appendToStream('order-1', events(700));
      await from.appendToStream('order-2', [
        db.binaryEvent({ type: 'Bytes', data: Buffer.from([0, 1, 255]), metadata: Buffer.from([7]) }),
      ]);
      await from.setStreamMetadata('order-1', { maxCount: 600, colour: 'blue' });
      await from.appendToStream('dead', event(0));
      await from.tombstoneStream('dead');
      const lines: string[] = [];
      for await (const line of exportStreams({ url: source.url })) lines.push(line);
      const target = await start();
      const to = connect(target.url);
      await importStreams(lines.slice(0, 500), { url: target.url });
      expect(await importStreams(lines, { url: target.url })).toEqual({ events: lines.length });
      const again: string[] = [];
      for await (const line of exportStreams({ url: target.url })) again.push(line);
      const withoutTime = (line: string) => ({ ...(JSON.parse(line) as object), created: undefined });
      expect(again.map(withoutTime)).toEqual(lines.map(withoutTime));
      expect(await read(to, 'order-1')).toHaveLength(600);
      await expect(to.appendToStream('dead', event(0))).rejects.toBeInstanceOf(db.StreamDeletedError);
    }, 20_000);

    it('finishes appends in flight, tells subscribers and stops within two seconds of SIGTERM', async () => {
      const server = await ServerProcess.start({ path: folder });
      const client = connect(server.url);
      const told: unknown[] = [];
      const subscription = client.subscribeToAll().on('error', (error) => told.push(error));
      await once(subscription, 'confirmation');
      const writing = Promise.allSettled(
        Array.from({ length: 500 }, (_, n) => client.appendToStream(`s-${n}`, event(n))),
      );
      await client.appendToStream('first', event(0));
      expect(await server.stop()).toBeLessThan(2000);
      const acknowledged = (await writing).filter(({ status }) => status === 'fulfilled').length;
      await eventually(() => told.length > 0);
      expect(told[0]).toBeInstanceOf(db.UnavailableError);
      expect((await checkStore(folder)).events).toBeGreaterThanOrEqual(acknowledged + 1);
    }, 20_000);
  });
});

/** Random, mutated, half-sent and aborted requests: the server answers or hangs up, never breaks, leaks nothing, and serves others on. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import db from '@eventstore/db-client';
import streamsPb from '@eventstore/db-client/generated/streams_pb.js';
import sharedPb from '@eventstore/db-client/generated/shared_pb.js';
import fc from 'fast-check';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, type ClientHttp2Session } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { eventually } from '../../test/eventually.js';
import { startEventStore, type RunningEventStore } from '../index.js';

const STREAMS = '/event_store.client.streams.Streams';
const PERSISTENT = '/event_store.client.persistent_subscriptions.PersistentSubscriptions';
const PATHS = [
  ...['Read', 'Append', 'BatchAppend', 'Delete', 'Tombstone'].map((method) => `${STREAMS}/${method}`),
  ...['Create', 'Update', 'Delete', 'GetInfo', 'ReplayParked', 'List', 'Read'].map(
    (method) => `${PERSISTENT}/${method}`,
  ),
  '/event_store.client.monitoring.Monitoring/Stats',
  '/event_store.client.operations.Operations/StopScavenge',
  '/event_store.client.gossip.Gossip/Read',
  '/nowhere.Nothing/Never',
];
const RUNS = Number(process.env['ANNALS_FUZZ_RUNS'] ?? 300);

const frame = (message: Uint8Array): Buffer => {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
};

function batchAppend(stream: string, final: boolean): Buffer {
  const request = new streamsPb.BatchAppendReq();
  const correlation = new sharedPb.UUID();
  correlation.setString(randomUUID());
  request.setCorrelationId(correlation);
  const options = new streamsPb.BatchAppendReq.Options();
  const identifier = new sharedPb.StreamIdentifier();
  identifier.setStreamName(Buffer.from(stream).toString('base64'));
  options.setStreamIdentifier(identifier);
  options.setStreamPosition('0');
  request.setOptions(options);
  const message = new streamsPb.BatchAppendReq.ProposedMessage();
  const id = new sharedPb.UUID();
  id.setString(randomUUID());
  message.setId(id);
  message.getMetadataMap().set('type', 'Fuzzed').set('content-type', 'application/json');
  message.setData(Buffer.from('{}').toString('base64'));
  request.setProposedMessagesList([message]);
  request.setIsFinal(final);
  return frame(request.serializeBinary());
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

describe('whatever is sent', () => {
  let server: RunningEventStore;
  let client: db.EventStoreDBClient;
  let session: ClientHttp2Session;

  beforeAll(async () => {
    server = await startEventStore({ memory: true });
    client = db.EventStoreDBClient.connectionString(server.url);
    session = connect(`http://127.0.0.1:${server.port}`);
    session.on('error', () => undefined);
    await once(session, 'connect');
  });
  afterAll(async () => {
    session.destroy();
    await client.dispose();
    await server.close();
  });

  /** Sends bytes on a call and aborts or ends it; resolves with the status, undefined when it was aborted or stays open. */
  function call(
    path: string,
    parts: readonly Uint8Array[],
    end: 'end' | 'abort' | 'leave',
  ): Promise<string | undefined> {
    return new Promise((resolve) => {
      const stream = session.request({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      let status: string | undefined;
      const read = (headers: Record<string, unknown>): void => {
        if (typeof headers['grpc-status'] === 'string') status = headers['grpc-status'];
      };
      stream
        .on('response', read)
        .on('trailers', read)
        .on('error', () => undefined)
        .on('data', () => undefined);
      stream.once('close', () => resolve(status));
      for (const part of parts) stream.write(part);
      if (end === 'end') {
        stream.end();
        // Subscriptions and persistent reads stay open; that is their right.
        setTimeout(() => stream.close(), 500).unref();
      } else if (end === 'abort') setImmediate(() => stream.close(8));
      else setTimeout(() => stream.close(8), 20).unref();
    });
  }

  async function serves(): Promise<void> {
    const stream = `alive-${randomUUID()}`;
    await client.appendToStream(stream, db.jsonEvent({ type: 'Alive', data: {} }));
    for await (const { event } of client.readStream(stream)) expect(event?.type).toBe('Alive');
  }

  it('random bytes on any method, ended or aborted anywhere', async () => {
    const part = fc.oneof(fc.uint8Array({ maxLength: 60 }), fc.uint8Array({ maxLength: 60 }).map(frame));
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...PATHS),
        fc.array(part, { maxLength: 4 }),
        fc.constantFrom('end' as const, 'abort' as const),
        async (path, parts, end) => {
          await call(path, parts, end);
        },
      ),
      { numRuns: RUNS },
    );
    await serves();
  }, 120_000);

  it('sound requests with bytes changed, removed or cut off', async () => {
    const sound = batchAppend('fuzzed', true);
    const mutation = fc.array(fc.record({ at: fc.nat(sound.length - 1), value: fc.nat(255) }), {
      minLength: 1,
      maxLength: 5,
    });
    await fc.assert(
      fc.asyncProperty(
        mutation,
        fc.nat(sound.length),
        fc.constantFrom(...PATHS.slice(0, 5)),
        async (changes, length, path) => {
          const bytes = Buffer.from(sound);
          for (const { at, value } of changes) bytes[at] = value;
          await call(path, [bytes.subarray(0, Math.max(1, length))], 'abort');
          // The length in the frame set right, so that the message itself is looked at.
          const message = bytes.subarray(5, Math.max(6, length));
          const status = await call(path, [frame(message)], 'end');
          expect(status === undefined || /^\d+$/.test(status)).toBe(true);
        },
      ),
      { numRuns: RUNS },
    );
    await serves();
  }, 120_000);

  it('half-sent batches: none of them is written, and they are forgotten with their call', async () => {
    await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        call(`${STREAMS}/BatchAppend`, [batchAppend(`half-${i % 5}`, false)], 'leave'),
      ),
    );
    for (let i = 0; i < 5; i++)
      await expect(client.readStream(`half-${i}`)[Symbol.asyncIterator]().next()).rejects.toBeInstanceOf(
        db.StreamNotFoundError,
      );
    await serves();
  }, 60_000);

  it('1,000 connections opened and dropped, half of them in the middle of a greeting', async () => {
    for (let round = 0; round < 20; round++) {
      const sockets = Array.from({ length: 50 }, () => connectSocket(server.port, '127.0.0.1'));
      await Promise.all(sockets.map((socket) => once(socket, 'connect')));
      sockets.forEach((socket, i) => {
        socket.on('error', () => undefined);
        if (i % 4 === 1) socket.write('PRI * HTT');
        if (i % 4 === 2) socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnonsense that is no frame at all');
        if (i % 4 === 3) socket.write('GET /stats HTTP/1.1\r\n');
        setImmediate(() => socket.destroy());
      });
      await Promise.all(sockets.filter(({ closed }) => !closed).map((socket) => once(socket, 'close')));
    }
    await serves();
    const stats = async () =>
      ((await (await fetch(`http://127.0.0.1:${server.port}/stats`)).json()) as Record<string, number>)[
        'proc-tcp-connections'
      ] ?? 0;
    await eventually(async () => (await stats()) < 10);
  }, 60_000);

  it('leaves no memory behind', async () => {
    const round = async (): Promise<void> => {
      // A fresh session each time: HTTP/2 closes one that resets more than a thousand streams in a burst.
      session.destroy();
      session = connect(`http://127.0.0.1:${server.port}`);
      session.on('error', () => undefined);
      await once(session, 'connect');
      for (let i = 0; i < 300; i++) {
        await call(`${STREAMS}/BatchAppend`, [batchAppend('leak', false)], 'abort');
        await call(`${STREAMS}/Read`, [frame(Buffer.from([1, 2, 3]))], 'end');
      }
      const subscriptions = Array.from({ length: 50 }, () => client.subscribeToAll());
      await Promise.all(subscriptions.map((subscription) => once(subscription, 'confirmation')));
      await Promise.all(subscriptions.map((subscription) => subscription.unsubscribe()));
    };
    const heap = async (): Promise<number> => {
      await round();
      collectGarbage();
      return process.memoryUsage().heapUsed;
    };
    await heap();
    const before = await heap();
    for (let i = 0; i < 4; i++) await round();
    const after = await heap();
    expect((after - before) / 1024 / 1024).toBeLessThan(8);
  }, 120_000);
});

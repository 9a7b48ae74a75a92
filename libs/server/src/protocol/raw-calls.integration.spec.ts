/** What a client of another language sends and sees, where `@eventstore/db-client` would hide it. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import db from '@eventstore/db-client';
import monitoringPb from '@eventstore/db-client/generated/monitoring_pb.js';
import operationsPb from '@eventstore/db-client/generated/operations_pb.js';
import persistentPb from '@eventstore/db-client/generated/persistent_pb.js';
import sharedPb from '@eventstore/db-client/generated/shared_pb.js';
import streamsPb from '@eventstore/db-client/generated/streams_pb.js';
import emptyPb from 'google-protobuf/google/protobuf/empty_pb.js';
import timestampPb from 'google-protobuf/google/protobuf/timestamp_pb.js';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { eventually } from '../../test/eventually.js';
import {
  appendEvent,
  asked,
  batchEvent,
  RawClient,
  streamIdentifier,
  uuid,
  type RawAnswer,
} from '../../test/raw-client.js';
import { startEventStore, type RunningEventStore } from '../index.js';

const LIMIT = 10_000;

describe('raw calls', () => {
  let server: RunningEventStore;
  let raw: RawClient;
  let client: db.EventStoreDBClient;
  let shutdowns = 0;

  beforeAll(async () => {
    server = await startEventStore({ memory: true, maxAppendSize: LIMIT, onShutdownRequested: () => shutdowns++ });
    raw = new RawClient(server.port);
    client = db.EventStoreDBClient.connectionString(server.url);
  });
  afterAll(async () => {
    raw.close();
    await client.dispose();
    await server.close();
  });

  const any = (stream: string) =>
    new streamsPb.BatchAppendReq.Options().setStreamIdentifier(streamIdentifier(stream)).setAny(new emptyPb.Empty());
  const types = async (stream: string): Promise<(string | undefined)[]> => {
    const found: (string | undefined)[] = [];
    for await (const { event } of client.readStream(stream)) found.push(event?.type);
    return found;
  };

  describe('batch append', () => {
    /** One call; answers are collected for as long as it is open. */
    function open() {
      const answers: streamsPb.BatchAppendResp[] = [];
      const call = raw.streams.batchAppend();
      call.on('data', (answer: streamsPb.BatchAppendResp) => answers.push(answer));
      const ended = new Promise<number>((resolve) => {
        call.on('status', ({ code }) => resolve(code));
        call.on('error', () => undefined);
      });
      const send = (
        correlation: string,
        frame: {
          options?: streamsPb.BatchAppendReq.Options;
          events?: streamsPb.BatchAppendReq.ProposedMessage[];
          final?: boolean;
        },
      ) =>
        call.write(
          new streamsPb.BatchAppendReq()
            .setCorrelationId(uuid(correlation))
            .setOptions(frame.options)
            .setProposedMessagesList(frame.events ?? [])
            .setIsFinal(frame.final ?? false),
        );
      /** Ends the call; by then everything has its answer. */
      const finish = async (): Promise<streamsPb.BatchAppendResp[]> => {
        call.end();
        expect(await ended).toBe(0);
        return answers;
      };
      return { answers, send, finish };
    }
    const byCorrelation = (answers: readonly streamsPb.BatchAppendResp[], id: string) =>
      answers.filter((answer) => answer.getCorrelationId()?.getString() === id);
    const fault = (answer: streamsPb.BatchAppendResp | undefined) => {
      const status = answer?.getError();
      return { code: status?.getCode(), type: status?.getDetails()?.getTypeName() };
    };

    it('takes options from the first frame only, and writes once the last has come', async () => {
      const { answers, send, finish } = open();
      const [one, two] = [randomUUID(), randomUUID()];
      send(one, { options: any('frames'), events: [batchEvent('A'), batchEvent('B')] });
      send(two, { options: any('between'), events: [batchEvent('X')], final: true });
      await eventually(() => answers.length === 1);
      expect(byCorrelation(answers, two)).toHaveLength(1);
      await expect(types('frames')).rejects.toBeInstanceOf(db.StreamNotFoundError);
      send(one, { events: [batchEvent('C')] });
      send(one, { final: true });
      const [answer, ...more] = byCorrelation(await finish(), one);
      expect(more).toEqual([]);
      expect(answer?.getSuccess()?.getCurrentRevision()).toBe('2');
      expect(Buffer.from(answer?.getStreamIdentifier()?.getStreamName_asU8() ?? []).toString()).toBe('frames');
      expect(answer?.hasAny()).toBe(true);
      expect(await types('frames')).toEqual(['A', 'B', 'C']);
    });

    it('answers a deadline by itself, once, and drops what comes later', async () => {
      const { answers, send, finish } = open();
      const [late, fine] = [randomUUID(), randomUUID()];
      const deadline = timestampPb.Timestamp.fromDate(new Date(Date.now() + 50));
      send(late, { options: any('late').setDeadline(deadline), events: [batchEvent('A')] });
      await eventually(() => answers.length === 1);
      expect(fault(answers[0])).toEqual({ code: 4, type: 'event_store.client.Timeout' });
      send(late, { events: [batchEvent('B')] });
      send(late, { events: [batchEvent('C')], final: true });
      send(fine, { options: any('fine'), events: [batchEvent('D')], final: true });
      const all = await finish();
      expect(byCorrelation(all, fine)).toHaveLength(1);
      await expect(types('late')).rejects.toBeInstanceOf(db.StreamNotFoundError);
      expect(byCorrelation(all, late).filter((answer) => answer.hasSuccess())).toEqual([]);
    });

    it('gives exactly one answer after an event without a type, and the call goes on', async () => {
      const { send, finish } = open();
      const [wrong, fine] = [randomUUID(), randomUUID()];
      send(wrong, { options: any('wrong'), events: [batchEvent('A'), batchEvent('')] });
      send(wrong, { events: [batchEvent('B')], final: true });
      send(fine, { options: any('fine-2'), events: [batchEvent('A')], final: true });
      const answers = await finish();
      expect(byCorrelation(answers, wrong).map(fault)).toEqual([{ code: 3, type: 'event_store.client.BadRequest' }]);
      expect(byCorrelation(answers, fine).map((answer) => answer.hasSuccess())).toEqual([true]);
      await expect(types('wrong')).rejects.toBeInstanceOf(db.StreamNotFoundError);
    });

    it('tells conflicts, deleted streams and excess as details of a status, and echoes the expectation', async () => {
      await client.appendToStream('held', db.jsonEvent({ type: 'A', data: {} }));
      await client.appendToStream('gone', db.jsonEvent({ type: 'A', data: {} }));
      await client.tombstoneStream('gone');
      const { send, finish } = open();
      const ids = [randomUUID(), randomUUID(), randomUUID(), randomUUID()] as const;
      send(ids[0], { options: any('held').setStreamPosition('7'), events: [batchEvent('B')], final: true });
      send(ids[1], { options: any('gone'), events: [batchEvent('B')], final: true });
      send(ids[2], { options: any('held'), events: [batchEvent('B', 'x'.repeat(LIMIT + 1))], final: true });
      send(ids[3], { options: any('held'), final: true });
      const answers = await finish();
      expect(ids.slice(0, 3).map((id) => byCorrelation(answers, id).map(fault))).toEqual([
        [{ code: 6, type: 'event_store.client.WrongExpectedVersion' }],
        [{ code: 5, type: 'event_store.client.StreamDeleted' }],
        [{ code: 3, type: 'event_store.client.MaximumAppendSizeExceeded' }],
      ]);
      const conflict = byCorrelation(answers, ids[0])[0];
      expect(conflict?.getStreamPosition()).toBe('7');
      const details = sharedPb.WrongExpectedVersion.deserializeBinary(
        conflict?.getError()?.getDetails()?.getValue_asU8() ?? new Uint8Array(),
      );
      expect([details.getCurrentStreamRevision(), details.getExpectedStreamPosition()]).toEqual(['0', '7']);
      expect(byCorrelation(answers, ids[3])[0]?.hasSuccess()).toBe(true);
    });

    it('answers each of 10,000 appends in flight on one call', async () => {
      const { send, finish } = open();
      const ids = Array.from({ length: 10_000 }, () => randomUUID());
      ids.forEach((id, i) => send(id, { options: any(`many-${i % 100}`), events: [batchEvent('A')], final: true }));
      const answers = await finish();
      expect(answers).toHaveLength(ids.length);
      expect(new Set(answers.map((answer) => answer.getCorrelationId()?.getString()))).toEqual(new Set(ids));
      expect(answers.every((answer) => answer.hasSuccess())).toBe(true);
    }, 30_000);
  });

  describe('classic append', () => {
    const append = (
      options: (options: streamsPb.AppendReq.Options) => streamsPb.AppendReq.Options,
      stream: string,
      events: readonly streamsPb.AppendReq[],
    ): Promise<RawAnswer<streamsPb.AppendResp>> =>
      asked((callback) => {
        const call = raw.streams.append(callback);
        const target = new streamsPb.AppendReq.Options().setStreamIdentifier(streamIdentifier(stream));
        call.write(new streamsPb.AppendReq().setOptions(options(target)));
        for (const event of events) call.write(event);
        call.end();
      });
    const anyRevision = (options: streamsPb.AppendReq.Options) => options.setAny(new emptyPb.Empty());

    it('takes an event per message and writes them as one', async () => {
      const { code, answer } = await append(
        anyRevision,
        'classic',
        ['A', 'B', 'C'].map((type) => appendEvent(type)),
      );
      expect([code, answer?.getSuccess()?.getCurrentRevision()]).toEqual([0, '2']);
      expect(await types('classic')).toEqual(['A', 'B', 'C']);
    });

    it('answers a conflict as a normal reply', async () => {
      await append(anyRevision, 'contested', [appendEvent('A')]);
      const { code, answer } = await append((options) => options.setRevision('5'), 'contested', [appendEvent('B')]);
      const conflict = answer?.getWrongExpectedVersion();
      expect([code, conflict?.getCurrentRevision(), conflict?.getExpectedRevision()]).toEqual([0, '0', '5']);
    });

    it('fails with status and trailers for a tombstone, excess, and what has no name', async () => {
      await client.tombstoneStream('buried', { expectedRevision: db.NO_STREAM });
      expect(await append(anyRevision, 'buried', [appendEvent('A')])).toMatchObject({
        code: 9,
        trailers: { exception: 'stream-deleted', 'stream-name': 'buried' },
      });
      expect(await append(anyRevision, 'heavy', [appendEvent('A', 'x'.repeat(LIMIT + 1))])).toMatchObject({
        code: 3,
        trailers: { exception: 'maximum-append-size-exceeded', 'maximum-append-size': String(LIMIT) },
      });
      // The recorded answers of EventStoreDB have this code; what helps is the text.
      expect(await append(anyRevision, '', [appendEvent('A')])).toMatchObject({
        code: 2,
        text: expect.stringContaining('The stream name is empty'),
      });
      expect(await append(anyRevision, 'nameless', [appendEvent('')])).toMatchObject({
        code: 2,
        text: expect.stringContaining('Give each event a type'),
      });
    });

    it('tells a conflict of a deletion in trailers', async () => {
      await append(anyRevision, 'kept', [appendEvent('A')]);
      const request = (stream: string) =>
        new streamsPb.DeleteReq().setOptions(
          new streamsPb.DeleteReq.Options().setStreamIdentifier(streamIdentifier(stream)).setRevision('3'),
        );
      expect(await asked((callback) => raw.streams.delete(request('kept'), callback))).toMatchObject({
        code: 9,
        trailers: {
          exception: 'wrong-expected-version',
          'stream-name': 'kept',
          'expected-version': '3',
          'actual-version': '0',
        },
      });
    });
  });

  it('PinnedByCorrelation, which the Node client cannot name, keeps the events of a correlation with one consumer', async () => {
    const settings = new persistentPb.CreateReq.Settings()
      .setConsumerStrategy('PinnedByCorrelation')
      .setMaxRetryCount(5)
      .setMessageTimeoutMs(30_000)
      .setLiveBufferSize(500)
      .setReadBatchSize(20)
      .setHistoryBufferSize(500);
    const target = new persistentPb.CreateReq.StreamOptions()
      .setStreamIdentifier(streamIdentifier('correlated'))
      .setStart(new sharedPb.Empty());
    const options = new persistentPb.CreateReq.Options().setGroupName('g').setStream(target).setSettings(settings);
    const request = new persistentPb.CreateReq().setOptions(options);
    expect((await asked((callback) => raw.persistent.create(request, callback))).code).toBe(0);

    const owners = new Map<string | undefined, Set<number>>();
    let count = 0;
    const consumers = [0, 1, 2].map((owner) => {
      const consumer = client.subscribeToPersistentSubscriptionToStream('correlated', 'g');
      return consumer.on('data', (resolved) => {
        const metadata = resolved.event?.metadata as { $correlationId?: string } | undefined;
        const correlation = metadata?.$correlationId;
        owners.set(correlation, (owners.get(correlation) ?? new Set()).add(owner));
        count++;
        void consumer.ack(resolved);
      });
    });
    await Promise.all(consumers.map((consumer) => once(consumer, 'confirmation')));
    const written = Array.from({ length: 100 }, (_, n) =>
      db.jsonEvent({ type: 'Correlated', data: {}, metadata: { $correlationId: `c-${n % 20}` } }),
    );
    await client.appendToStream('correlated', written);
    await eventually(() => count === written.length);
    expect(owners.size).toBe(20);
    expect([...owners.values()].map((of) => of.size)).toEqual(Array.from({ length: 20 }, () => 1));
    expect(new Set([...owners.values()].flatMap((of) => [...of])).size).toBeGreaterThan(1);
    await Promise.all(consumers.map((consumer) => consumer.unsubscribe()));
  });

  describe('operations', () => {
    const empty = () => new sharedPb.Empty();

    it('starts a scavenge and says when there is none to stop', async () => {
      const options = new operationsPb.StartScavengeReq.Options().setThreadCount(1).setStartFromChunk(0);
      const started = await asked<operationsPb.ScavengeResp>((callback) =>
        raw.operations.startScavenge(new operationsPb.StartScavengeReq().setOptions(options), callback),
      );
      expect(started.answer?.getScavengeId()).not.toBe('');
      expect(started.answer?.getScavengeResult()).toBe(operationsPb.ScavengeResp.ScavengeResult.STARTED);
      const unknown = new operationsPb.StopScavengeReq.Options().setScavengeId('none');
      expect(
        await asked((callback) =>
          raw.operations.stopScavenge(new operationsPb.StopScavengeReq().setOptions(unknown), callback),
        ),
      ).toMatchObject({ code: 5, trailers: { exception: 'scavenge-not-found' } });
    });

    it('takes what means little to a single node, and restarts persistent subscriptions', async () => {
      const priority = new operationsPb.SetNodePriorityReq().setPriority(1);
      const codes = await Promise.all([
        asked((callback) => raw.operations.mergeIndexes(empty(), callback)),
        asked((callback) => raw.operations.resignNode(empty(), callback)),
        asked((callback) => raw.operations.setNodePriority(priority, callback)),
        asked((callback) => raw.operations.restartPersistentSubscriptions(empty(), callback)),
      ]);
      expect(codes.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
    });

    it('answers a shutdown before it begins', async () => {
      expect((await asked((callback) => raw.operations.shutdown(empty(), callback))).code).toBe(0);
      await eventually(() => shutdowns === 1);
    });

    it('sends statistics again and again until the client has enough', async () => {
      const call = raw.monitoring.stats(new monitoringPb.StatsReq().setRefreshTimePeriodInMs('100'));
      const seen: (string | undefined)[] = [];
      call.on('data', (answer: monitoringPb.StatsResp) => seen.push(answer.getStatsMap().get('proc-id')));
      call.on('error', () => undefined);
      await eventually(() => seen.length >= 3);
      call.cancel();
      expect(new Set(seen)).toEqual(new Set([String(process.pid)]));
    });
  });
});

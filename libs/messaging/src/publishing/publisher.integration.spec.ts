import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { EventStore, type CheckpointStore, type EventFeed, type RunningConsumer } from '@annals/event-store';
import { eventually, testEventStore, type TestEventStore } from '@annals/testing';
import { natsBed, type NatsBed } from '../../test/nats-bed.js';
import { Move, parcel, publications, Take, Taken } from '../../test/parcel-domain.js';
import { ParcelMoved, ParcelTaken } from '../../test/contracts.js';
import type { ReceivedMessage } from '../consuming/received-message.js';
import { IntegrationServer } from '../integration-server.js';
import { publish } from './publication.js';
import { publisher } from './publisher.js';

class Checkpoints implements CheckpointStore {
  position: bigint;
  /** Whether the database is away; counts what was tried meanwhile. */
  away = false;
  refused = 0;

  constructor(readonly start: bigint) {
    this.position = start;
  }

  load = () => Promise.resolve(this.position);
  save = (_: string, position: bigint) => {
    if (this.away) {
      this.refused++;
      return Promise.reject(new Error('the database is away'));
    }
    this.position = position;
    return Promise.resolve();
  };
}

describe('the publisher', () => {
  let server: TestEventStore;
  let store: EventStore;
  let bed: NatsBed;
  let checkpoints: Checkpoints;
  let feed: EventFeed;
  let got: ReceivedMessage[];
  let listener: IntegrationServer;

  beforeAll(async () => {
    server = await testEventStore();
    store = new EventStore({ url: server.url });
  });
  afterAll(async () => {
    await store.close();
    await server.close();
  });
  beforeEach(async () => {
    bed = await natsBed();
    checkpoints = new Checkpoints(await store.streams.headPosition());
    feed = store.feed(['parcel-']);
    got = [];
    const note = (message: ReceivedMessage) => {
      got.push(message);
      return Promise.resolve();
    };
    listener = new IntegrationServer({ context: 'listener', transport: bed.open() });
    listener.handle(ParcelTaken, note).handle(ParcelMoved, note);
    listener.listen((error) => expect(error).toBeUndefined());
    await eventually(() => listener.health().connected);
  });
  afterEach(async () => {
    await feed.close();
    await listener.close();
    await bed.close();
  });

  const start = (published = publications, context = 'depot'): RunningConsumer =>
    feed.run(publisher({ context, publications: published, transport: bed.open({ callTimeoutMs: 300 }), checkpoints }));
  const steps = () => got.map(({ subject, event }) => `${subject} ${(event.data as { step: number }).step}`);
  const stored = () =>
    bed.direct(async (_, manager) => (await manager.streams.info(`${bed.prefix}-events`)).state.messages);

  it('publishes what the map makes of each event, in order, in the conversation of the command', async () => {
    start();
    await store.execute(parcel, new Take({ parcelId: 'p' }, { id: 'c-1', correlationId: 'talk', actor: 'ada' }));
    for (const step of [1, -1, 2]) await store.execute(parcel, new Move({ parcelId: 'p', step }));
    await eventually(() => expect(steps()).toEqual(['p 0', 'p 1', 'p -1', 'p 2', 'p -2']));
    const [first] = await store.streams.readToEnd('parcel-p');
    expect(got[0]).toEqual({
      event: { type: 'depot.parcel-taken.v1', data: { parcelId: 'p', step: 0 } },
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      type: 'depot.parcel-taken.v1',
      source: 'depot',
      subject: 'p',
      time: first?.at.created,
      correlationId: 'talk',
      causationId: first?.at.id,
      actor: 'ada',
      deliveries: 1,
    });
    expect(new Set(got.map(({ id }) => id)).size).toBe(5);
  });

  it('publishes the same messages again when it crashed between publishing and its checkpoint', async () => {
    checkpoints.away = true;
    start();
    await store.execute(parcel, new Take({ parcelId: 'again' }));
    await eventually(() => checkpoints.refused >= 2);
    expect(checkpoints.position).toBe(checkpoints.start);
    expect(await stored()).toBe(1);
    checkpoints.away = false;
    await eventually(() => checkpoints.position > checkpoints.start);
    expect(await stored()).toBe(1);
    await eventually(() => expect(steps()).toEqual(['again 0']));
  });

  it('publishes everything when the broker comes back, and leaves the checkpoint where it was until then', async () => {
    const consumer = start();
    await store.execute(parcel, new Take({ parcelId: 'before' }));
    await eventually(() => steps().length === 1);
    await eventually(() => checkpoints.position > checkpoints.start);
    const reached = checkpoints.position;
    bed.cut();
    for (let index = 0; index < 20; index++)
      await store.execute(parcel, new Move({ parcelId: `m-${index % 4}`, step: index }));
    await eventually(() => consumer.status.state === 'failing');
    expect(consumer.status.lastError).toContain('Nothing is lost');
    expect(checkpoints.position).toBe(reached);
    bed.mend();
    await eventually(() => steps().length === 41, { within: 15_000 });
    expect(steps().filter((text) => text.startsWith('m-1'))).toEqual(
      [1, 5, 9, 13, 17].flatMap((step) => [`m-1 ${step}`, `m-1 ${-step}`]),
    );
    await eventually(() => checkpoints.position > reached);
  }, 20_000);

  it('goes on after a restart with what came meanwhile', async () => {
    const first = start();
    await store.execute(parcel, new Take({ parcelId: 'a' }));
    await eventually(() => checkpoints.position > checkpoints.start);
    await first.stop();
    await store.execute(parcel, new Take({ parcelId: 'b' }));
    start();
    await eventually(() => expect(steps()).toEqual(['a 0', 'b 0']));
  });

  it('stays before an event that cannot be published, with everything before it out and nothing after it', async () => {
    const wrong = [publish(Taken, ({ data }) => new ParcelTaken({ ...data, step: data.parcelId === 'bad' ? 0.5 : 0 }))];
    for (const parcelId of ['good', 'bad', 'next']) await store.execute(parcel, new Take({ parcelId }));
    const consumer = start(wrong);
    await eventually(() => consumer.status.state === 'failing');
    expect(consumer.status.lastError).toContain('data.step: step must be an integer number');
    expect(await stored()).toBe(1);
    await consumer.stop();
    start(publications);
    await eventually(() => expect(steps()).toEqual(['good 0', 'bad 0', 'next 0']));
  });

  it("refuses to publish in another context's name", async () => {
    await store.execute(parcel, new Take({ parcelId: 'a' }));
    const consumer = start(publications, 'billing');
    await eventually(() => consumer.status.lastError?.includes(`'billing' publishes depot.parcel-taken.v1`) === true);
    expect(await stored()).toBe(0);
  });
});

import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  EventStore,
  type CheckpointStore,
  type EventFeed,
  type RecordedEvent,
  type RunningConsumer,
} from '@annals/event-store';
import { eventually, testEventStore, type TestEventStore } from '@annals/testing';
import { natsBed, type NatsBed } from '../../test/nats-bed.js';
import { Move, parcel, publications, Take, Taken } from '../../test/parcel-domain.js';
import { ParcelMoved, ParcelTaken } from '../../test/contracts.js';
import type { ReceivedMessage } from '../consuming/received-message.js';
import { IntegrationServer } from '../integration-server.js';
import { publish } from './publication.js';
import { publishEvent, publisher, type PublicationParking } from './publisher.js';

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

class Parking implements PublicationParking {
  readonly events: { readonly recorded: RecordedEvent; readonly error?: string }[] = [];

  streams = () => Promise.resolve(new Set(this.events.map(({ recorded }) => recorded.at.stream)));
  park = (recorded: RecordedEvent, error: string) => {
    if (!this.has(recorded.at.id)) this.events.push({ recorded, error });
    return Promise.resolve();
  };
  parkBehind = async (recorded: RecordedEvent) => {
    if (!(await this.streams()).has(recorded.at.stream)) return false;
    if (!this.has(recorded.at.id)) this.events.push({ recorded });
    return true;
  };
  private readonly has = (id: string) => this.events.some(({ recorded }) => recorded.at.id === id);
}

describe('the publisher', () => {
  let server: TestEventStore;
  let store: EventStore;
  let bed: NatsBed;
  let checkpoints: Checkpoints;
  let parking: Parking;
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
    parking = new Parking();
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

  const publishing = (published = publications, context = 'depot') => ({
    ...{ context, publications: published, transport: bed.open({ callTimeoutMs: 300 }) },
  });
  const start = (...given: Parameters<typeof publishing>): RunningConsumer => {
    const consumer = publisher({ ...publishing(...given), checkpoints, parking });
    const running = feed.run(consumer);
    return {
      get status() {
        return running.status;
      },
      stop: async () => {
        await running.stop();
        await consumer.close();
      },
    };
  };
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
    const first = start();
    await store.execute(parcel, new Take({ parcelId: 'again' }));
    await eventually(() => checkpoints.refused >= 1 && got.length === 1);
    await first.stop();
    expect(checkpoints.position).toBe(checkpoints.start);
    checkpoints.away = false;
    start();
    await eventually(() => checkpoints.position > checkpoints.start);
    expect(await stored()).toBe(1);
    expect(steps()).toEqual(['again 0']);
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

  it('parks an event that cannot be published with those behind it, and goes on with all others', async () => {
    const step = (parcelId: string) => (parcelId === 'bad' ? 0.5 : 0);
    const wrong = [
      ...publications.slice(1),
      publish(Taken, ({ data: { parcelId } }) => new ParcelTaken({ parcelId, step: step(parcelId) })),
    ];
    start(wrong);
    for (const parcelId of ['good', 'bad', 'next']) await store.execute(parcel, new Take({ parcelId }));
    for (const parcelId of ['bad', 'next']) await store.execute(parcel, new Move({ parcelId, step: 1 }));
    await eventually(() => expect([...steps()].sort()).toEqual(['good 0', 'next -1', 'next 0', 'next 1']));
    await eventually(() => parking.events.length === 2);
    expect(parking.events.map(({ recorded }) => recorded.event.type)).toEqual(['Taken', 'Moved']);
    expect(parking.events[0]?.error).toContain('data.step: step must be an integer number');

    for (const { recorded } of parking.events.splice(0)) await publishEvent(publishing(), recorded);
    await eventually(() =>
      expect(steps().filter((text) => text.startsWith('bad'))).toEqual(['bad 0', 'bad 1', 'bad -1']),
    );
    await store.execute(parcel, new Move({ parcelId: 'good', step: 2 }));
    await store.execute(parcel, new Move({ parcelId: 'bad', step: 3 }));
    await eventually(() => steps().includes('bad -3') && steps().includes('good -2'));
    expect(parking.events).toEqual([]);
  });

  it('keeps the order of events that one was split into, which share a position, when a later one is refused', async () => {
    const at = (position: bigint, id: string, stream: string): RecordedEvent['at'] => ({
      ...{ id, stream, position, revision: 0, created: new Date() },
      ...{ correlationId: id, causationId: id },
    });
    const actor = 'x'.repeat(2 * 1024 * 1024);
    const taken = (parcelId: string) => ({ type: 'Taken', data: { parcelId } });
    const events: RecordedEvent[] = [
      { event: taken('shared'), at: at(1n, randomUUID(), 'parcel-other') },
      { event: taken('apart'), at: at(2n, randomUUID(), 'parcel-split') },
      { event: taken('shared'), at: { ...at(2n, randomUUID(), 'parcel-split'), actor } },
      { event: taken('behind'), at: at(3n, randomUUID(), 'parcel-split') },
    ];
    // One message at a time, those about one parcel before those about the next; what is too large is refused.
    const consumer = publisher({ ...publishing(), checkpoints, parking, inFlight: 1 });
    await consumer.handle({ events, position: 3n, live: true }, new AbortController().signal);
    await consumer.close();
    await eventually(() => expect(steps()).toEqual(['shared 0', 'apart 0']));
    expect(parking.events.map(({ recorded, error }) => [recorded.at.id, error !== undefined])).toEqual([
      [events[2]?.at.id, true],
      [events[3]?.at.id, false],
    ]);
    expect(checkpoints.position).toBe(3n);
  });

  it("does not publish in another context's name", async () => {
    await store.execute(parcel, new Take({ parcelId: 'a' }));
    start(publications, 'billing');
    await eventually(() => parking.events.length === 1);
    expect(parking.events[0]?.error).toContain(`'billing' publishes depot.parcel-taken.v1`);
    expect(await stored()).toBe(0);
  });
});

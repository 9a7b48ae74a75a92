/** The context's publisher, in one instance at a time (G10), with the place where events wait that cannot be published. */
import type { Log } from '@annals/core';
import type { CheckpointStore, ConsumerStatus, EventFeed } from '@annals/event-store';
import { publisher, type Leases, type Publishing } from '@annals/messaging';
import type pg from 'pg';
import { publisherParkingName, ReactorParking } from '../commands/reactor-parking.js';
import { ParkedPublications } from './parked-publications.js';

export interface LeasedPublisherOptions extends Publishing {
  readonly feed: EventFeed;
  readonly checkpoints: CheckpointStore;
  readonly pool: pg.Pool;
  readonly leases: Leases;
  readonly log: Log;
}

/** The events that could not be published, for those who look after them without the app. */
export async function parkedPublications(publishing: Publishing, pool: pg.Pool): Promise<ParkedPublications> {
  await ReactorParking.create(pool);
  return new ParkedPublications(publishing, new ReactorParking(pool, publisherParkingName));
}

export class LeasedPublisher {
  readonly parked: ParkedPublications;
  private readonly parking: ReactorParking;
  private readonly stopping = new AbortController();
  private running:
    { readonly status: ConsumerStatus; readonly oldestWaiting: Date | undefined; stop(): Promise<void> } | undefined;

  constructor(private readonly options: LeasedPublisherOptions) {
    this.parking = new ReactorParking(options.pool, publisherParkingName);
    this.parked = new ParkedPublications(options, this.parking);
  }

  /** How it goes in this instance; undefined while another one publishes. */
  get status(): ConsumerStatus | undefined {
    return this.running?.status;
  }

  /** How long the oldest event has waited that is not published yet, in ms; undefined while another instance publishes. */
  get lagMs(): number | undefined {
    if (!this.running) return undefined;
    const { oldestWaiting } = this.running;
    return oldestWaiting === undefined ? 0 : Math.max(0, Date.now() - oldestWaiting.getTime());
  }

  async start(): Promise<void> {
    await ReactorParking.create(this.options.pool);
    this.options.leases.want({
      name: 'publisher',
      gained: () => this.begin(),
      lost: () => this.end(),
    });
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.end();
  }

  private begin(): void {
    if (this.running || this.stopping.signal.aborted) return;
    const consumer = publisher({ ...this.options, parking: this.parking });
    const running = this.options.feed.run(consumer);
    this.running = {
      get status() {
        return running.status;
      },
      get oldestWaiting() {
        return consumer.oldestWaiting;
      },
      stop: async () => {
        await running.stop();
        await consumer.close();
      },
    };
  }

  private async end(): Promise<void> {
    await this.running?.stop();
    this.running = undefined;
  }
}

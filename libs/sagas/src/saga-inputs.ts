/** Feeds one saga with the domain events of its context, from a checkpoint on: in order per instance, across instances in parallel. */
import {
  beginning,
  CheckpointKeeper,
  type CheckpointStore,
  type FeedBatch,
  type FeedConsumer,
  type RecordedEvent,
} from '@annals/event-store';
import type { Log } from '@annals/core';

export interface InputPorts {
  readonly saga: string;
  readonly checkpoints: CheckpointStore;
  readonly log: Log;
  /** Where to begin when there is no checkpoint yet. */
  firstPosition(): Promise<bigint>;
  /** The instances that an event is for; each gives what delivers the event to it. */
  route(event: RecordedEvent): readonly { readonly id: string; readonly deliver: () => Promise<void> }[];
}

export class SagaInputs implements FeedConsumer {
  readonly name: string;
  readonly maxBatch = 250;
  private readonly keeper: CheckpointKeeper;
  private begun = false;

  constructor(private readonly ports: InputPorts) {
    this.name = `sagas:inputs:${ports.saga}`;
    this.keeper = new CheckpointKeeper(ports.checkpoints, this.name, (error) => this.onFailure(error));
  }

  async checkpoint(): Promise<bigint> {
    const position = await this.keeper.load();
    if (this.begun || position !== beginning) return position;
    const first = await this.ports.firstPosition();
    if (first !== beginning) await this.keeper.set(first);
    this.begun = true;
    return first;
  }

  /** A failure of one instance's event keeps back its later ones, and has the whole batch delivered again. */
  async handle({ events, position }: FeedBatch): Promise<void> {
    const perInstance = new Map<string, (() => Promise<void>)[]>();
    for (const event of events)
      for (const { id, deliver } of this.ports.route(event)) {
        const deliveries = perInstance.get(id);
        if (deliveries) deliveries.push(deliver);
        else perInstance.set(id, [deliver]);
      }
    const results = await Promise.allSettled([...perInstance.values()].map(inOrder));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
    this.keeper.advance(position);
  }

  onFailure(error: unknown): void {
    this.ports.log.warn(`Events could not be delivered to the saga ${this.ports.saga}; it is tried again.`, {
      error: String(error),
    });
  }

  stop(): Promise<void> {
    return this.keeper.close();
  }
}

async function inOrder(deliveries: readonly (() => Promise<void>)[]): Promise<void> {
  for (const deliver of deliveries) await deliver();
}

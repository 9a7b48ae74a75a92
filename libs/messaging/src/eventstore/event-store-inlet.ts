/**
 * Takes a context's messages from a stream of the event store: in order per subject, different subjects at the same
 * time, with a checkpoint behind which everything is done. After a crash it begins again at the checkpoint, so what was
 * finished out of order comes again.
 */
import { fullJitterMs, pause, type Backoff, type Log } from '@annals/core';
import type { CheckpointStore, EventFeed, FeedBatch, RecordedEvent, RunningConsumer } from '@annals/event-store';
import { KeyedQueue } from '../consuming/keyed-queue.js';
import { peek } from '../transport/dead-letters.js';
import { inletName, type Inlet, type InletStatus, type Receive, type RunningInlet } from '../transport/transport.js';
import { Progress } from './progress.js';

export interface EventStoreInletOptions {
  readonly inlet: Inlet;
  readonly stream: string;
  readonly receive: Receive;
  readonly feed: EventFeed;
  readonly checkpoints: CheckpointStore;
  readonly concurrency: number;
  readonly maxInHand: number;
  onStopped(inlet: EventStoreInlet): void;
  readonly log: Log;
}

const saveAgain: Backoff = { firstMs: 100, maxMs: 5_000 };
const drainWithinMs = 8_000;

export class EventStoreInlet implements RunningInlet {
  private readonly name: string;
  private readonly stopping = new AbortController();
  private readonly queue: KeyedQueue;
  private readonly consumer: RunningConsumer;
  private progress: Progress | undefined;
  private accepted = -1n;
  private saved = -1n;
  private saving: Promise<void> | undefined;
  private saveFailure: string | undefined;
  private roomWanted: (() => void) | undefined;

  constructor(private readonly options: EventStoreInletOptions) {
    const { inlet, feed, log } = options;
    this.name = inletName(inlet);
    this.queue = new KeyedQueue(options.concurrency);
    this.consumer = feed.run({
      name: this.name,
      checkpoint: () => this.position(),
      handle: (batch, signal) => this.take(batch, signal),
      onFailure: (error, failures) => log.warn(`Taking messages (${this.name}) was interrupted.`, { error, failures }),
    });
  }

  get status(): InletStatus {
    const { state, lastError } = this.consumer.status;
    const reason = this.saveFailure ?? (state === 'failing' ? lastError : undefined);
    const running = state === 'live' || state === 'catching-up' ? 'running' : state;
    return {
      name: this.name,
      state: this.saveFailure === undefined ? running : 'failing',
      ...(reason !== undefined && { reason }),
      inHand: this.progress?.inHand ?? 0,
    };
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.roomWanted?.();
    await this.consumer.stop();
    this.queue.clear();
    const waited = new AbortController();
    await Promise.race([this.queue.idle(), pause(drainWithinMs, waited.signal)]);
    waited.abort();
    await this.saving;
    await this.saveOnce();
    this.options.onStopped(this);
  }

  /** Where to go on: after a broken connection from what was taken last, which is still in hand. */
  private async position(): Promise<bigint> {
    if (!this.progress) {
      this.saved = await this.options.checkpoints.load(this.checkpointName);
      this.accepted = this.saved;
      this.progress = new Progress(this.saved);
    }
    return this.accepted;
  }

  private get checkpointName(): string {
    return `messages ${this.name}`;
  }

  private async take({ events, position }: FeedBatch, signal: AbortSignal): Promise<void> {
    const { progress } = this;
    if (!progress) throw new Error('A batch came before the checkpoint was asked for.');
    for (const recorded of events) {
      if (recorded.at.stream !== this.options.stream) continue;
      while (progress.inHand >= this.options.maxInHand && !signal.aborted && !this.stopping.signal.aborted)
        await new Promise<void>((resolve) => (this.roomWanted = resolve));
      if (signal.aborted || this.stopping.signal.aborted) return;
      this.begin(recorded, progress);
    }
    this.accepted = position;
    progress.passed(position);
    this.save();
  }

  private begin({ event, at }: RecordedEvent, progress: Progress): void {
    const body = JSON.stringify(event.data);
    progress.begin(at.position);
    this.accepted = at.position;
    this.queue.add(peek(body).subject ?? `unreadable ${at.revision}`, async () => {
      try {
        const place = `${at.stream}/${this.options.inlet.context}/${at.revision}`;
        await this.options.receive({ body, place, deliveries: 1 }, this.stopping.signal);
        progress.done(at.position);
        this.save();
      } catch (error) {
        if (!this.stopping.signal.aborted)
          this.options.log.error('A message stays in hand until a restart.', { error });
      } finally {
        this.roomWanted?.();
      }
    });
  }

  /** Remembers the floor; one save at a time, so that a burst of messages costs few of them. */
  private save(): void {
    this.saving ??= this.saveUntilCurrent().finally(() => (this.saving = undefined));
  }

  private async saveUntilCurrent(): Promise<void> {
    for (let failures = 0; this.progress && this.progress.floor > this.saved && !this.stopping.signal.aborted;) {
      try {
        await this.saveOnce();
        failures = 0;
        this.saveFailure = undefined;
      } catch (error) {
        this.saveFailure = `the checkpoint could not be saved: ${error instanceof Error ? error.message : String(error)}`;
        this.options.log.warn(`${this.name}: ${this.saveFailure}`);
        await pause(fullJitterMs(++failures, saveAgain), this.stopping.signal);
      }
    }
  }

  private async saveOnce(): Promise<void> {
    const floor = this.progress?.floor ?? this.saved;
    if (floor <= this.saved) return;
    await this.options.checkpoints.save(this.checkpointName, floor);
    this.saved = floor;
  }
}

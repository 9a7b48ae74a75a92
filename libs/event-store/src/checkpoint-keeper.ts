/**
 * The checkpoint of a consumer with repeatable effects, kept beside its work: everything before the oldest piece of work
 * in hand counts as done. Saved one save at a time, the newest value only, and not more often than is of use; what a
 * crash loses of it means repeating work, which does no harm.
 */
import { pause } from '@annals/core';
import type { CheckpointStore } from './checkpoint-store.js';
import { beginning } from './recorded-event.js';

const retryMs = 1_000;
/** A save costs the database a commit; a crash repeats what was done since. */
const defaultEveryMs = 100;

export class CheckpointKeeper {
  private readonly inHand: { readonly position: bigint; done: boolean }[] = [];
  private reached: bigint | undefined;
  private saved: bigint | undefined;
  private saving: Promise<void> | undefined;
  private readonly stopping = new AbortController();

  /** @param onFailure told of each save that failed and will be tried again */
  constructor(
    private readonly store: CheckpointStore,
    private readonly name: string,
    private readonly onFailure: (error: unknown) => void,
    private readonly everyMs: number = defaultEveryMs,
  ) {}

  /** Where to go on: from memory, once it is known there.. */
  async load(): Promise<bigint> {
    this.saved ??= await this.store.load(this.name);
    this.reached ??= this.saved;
    return this.reached;
  }

  /** Saves at once, for what must not be lost. */
  async set(position: bigint): Promise<void> {
    await this.store.save(this.name, position);
    this.saved = this.reached = position;
  }

  /** Takes a piece of work in hand; in the order of positions. @returns to be called when it is done */
  begin(position: bigint): () => void {
    const piece = { position, done: false };
    this.inHand.push(piece);
    return () => {
      piece.done = true;
      this.settle();
    };
  }

  /** Says that all work up to `position` has been taken in hand. */
  advance(position: bigint): void {
    this.inHand.push({ position, done: true });
    this.settle();
  }

  /** Saves the last value, if it can be. */
  async close(): Promise<void> {
    this.stopping.abort();
    await this.saving;
    if (this.reached === undefined || this.reached === this.saved) return;
    await this.store.save(this.name, this.reached).catch((error: unknown) => this.onFailure(error));
  }

  private settle(): void {
    let first = this.inHand[0];
    while (first?.done) {
      if (first.position > (this.reached ?? beginning)) this.reached = first.position;
      this.inHand.shift();
      first = this.inHand[0];
    }
    this.saving ??= this.save().finally(() => (this.saving = undefined));
  }

  private async save(): Promise<void> {
    const { signal } = this.stopping;
    while (this.reached !== undefined && this.reached !== this.saved && !signal.aborted) {
      const position = this.reached;
      try {
        await this.store.save(this.name, position);
        this.saved = position;
        await pause(this.everyMs, signal);
      } catch (error) {
        this.onFailure(error);
        await pause(retryMs, signal);
      }
    }
  }
}

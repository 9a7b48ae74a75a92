/** Follows one order through the query APIs of the contexts, stage by stage. */
import { pause } from '@annals/core';
import type { OrderView, ShopClient } from './shop-client.js';
import { isOver, stagesIn, type Stage } from './stages.js';

export interface SeenStage extends Stage {
  /** Milliseconds from the order's request to the moment when the stage was first seen. */
  readonly afterMs: number;
}

const pollEveryMs = 20;

/**
 * Gives every stage once, when it is first seen, until the order is delivered or cancelled.
 * @returns the last view @throws the signal's reason when it is aborted before
 */
export async function* followOrder(
  shop: Pick<ShopClient, 'view'>,
  orderId: string,
  sinceMs: number,
  signal: AbortSignal,
): AsyncGenerator<SeenStage, OrderView> {
  const seen = new Map<string, number>();
  const told = new Set<string>();
  for (let over = false; ;) {
    signal.throwIfAborted();
    const view = await shop.view(orderId);
    const now = Math.round(performance.now() - sinceMs);
    for (const stage of stagesIn(view)) {
      const afterMs = seen.get(stage.name) ?? now;
      seen.set(stage.name, afterMs);
      // The end is told last: other read models may be a moment behind it, so they are asked once more.
      if (told.has(stage.name) || (isEnd(stage) && !over)) continue;
      told.add(stage.name);
      yield { ...stage, afterMs };
    }
    if (over) return view;
    over = isOver(view);
    if (!over) await pause(pollEveryMs, signal);
  }
}

const isEnd = ({ name }: Stage): boolean => name === 'delivered' || name === 'cancelled';

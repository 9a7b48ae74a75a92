import { setTimeout as delay } from 'node:timers/promises';

/** Resolves once the condition holds; fails when it does not within `ms`. A condition that throws does not hold yet. */
export async function eventually(condition: () => boolean | Promise<boolean>, ms = 15_000): Promise<void> {
  const end = Date.now() + ms;
  let last: unknown;
  for (;;) {
    try {
      if (await condition()) return;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`still not so after ${ms} ms: ${condition.toString()}`, { cause: last });
    await delay(10);
  }
}

/** Tells senders that their goods have arrived, again and again until they have heard it. */
import { createHmac } from 'node:crypto';

const answerWithinMs = 5_000;
const firstWaitMs = 200;
const longestWaitMs = 10_000;
const tries = 30;

/** Headers by which the sender knows again what a report is about; it gets them back as it gave them. */
export type Conversation = Readonly<Record<string, string>>;

export interface Arrival {
  readonly reference: string;
  /** Where its sender wants to hear of it. */
  readonly reportTo: string;
  readonly conversation: Conversation;
}

export class Reports {
  private readonly timers = new Set<NodeJS.Timeout>();
  private stopped = false;

  constructor(private readonly secret: string) {}

  /** @param afterMs how long the goods are on their way */
  deliverAfter(afterMs: number, arrival: Arrival): void {
    this.later(afterMs, () => this.report(arrival, 1));
  }

  stop(): void {
    this.stopped = true;
    for (const timer of this.timers) clearTimeout(timer);
  }

  private async report(arrival: Arrival, attempt: number): Promise<void> {
    if ((await this.isHeard(arrival)) || attempt >= tries) return;
    const waitMs = Math.min(longestWaitMs, firstWaitMs * 2 ** (attempt - 1));
    this.later(waitMs, () => this.report(arrival, attempt + 1));
  }

  private async isHeard({ reference, reportTo, conversation }: Arrival): Promise<boolean> {
    const status = 'delivered';
    const signature = createHmac('sha256', this.secret).update(`${reference}\n${status}`).digest('hex');
    try {
      const response = await fetch(reportTo, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'carrier-signature': signature,
          ...conversation,
        },
        body: JSON.stringify({ reference, status }),
        signal: AbortSignal.timeout(answerWithinMs),
      });
      await response.arrayBuffer();
      return response.ok;
    } catch {
      return false; // the sender is away: it is told later
    }
  }

  private later(ms: number, work: () => Promise<void>): void {
    if (this.stopped) return;
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      void work();
    }, ms);
    this.timers.add(timer);
  }
}

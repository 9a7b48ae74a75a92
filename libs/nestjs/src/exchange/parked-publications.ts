/** Events that could not be published: looked at, tried again, passed over (G6). */
import { isCodedError } from '@annals/core';
import { publishEvent, type Publishing } from '@annals/messaging';
import type { ParkedStream, ReactorParking } from '../commands/reactor-parking.js';
import { NotParkedPublication } from '../errors.js';

/** The first event of a stream that waits to be published. */
export type ParkedPublication = ParkedStream;

export interface PublicationRetry {
  /** How many events were published. */
  readonly published: number;
  /** How many of the stream still wait. */
  readonly waiting: number;
}

export class ParkedPublications {
  constructor(
    private readonly publishing: Publishing,
    private readonly parking: ReactorParking,
  ) {}

  /** The first event of each stream that waits. */
  list(): Promise<ParkedPublication[]> {
    return this.parking.heads();
  }

  /**
   * Publishes an event and those behind it, in order, up to the first that fails again.
   * @throws NotParkedPublication; MessagingUnavailable, and nothing has changed
   */
  async retry(id: string): Promise<PublicationRetry> {
    return this.again((await this.head(id)).stream);
  }

  /** Never publishes it; those behind it go out. @throws NotParkedPublication */
  async skip(id: string): Promise<PublicationRetry> {
    const { stream } = await this.head(id);
    await this.parking.remove(id);
    return this.again(stream);
  }

  private async again(stream: string): Promise<PublicationRetry> {
    // Asked anew after each event: meanwhile more may be parked behind.
    for (let published = 0; ; published++) {
      const waiting = await this.parking.list(stream);
      const [next] = waiting;
      if (!next) return { published, waiting: 0 };
      try {
        await publishEvent(this.publishing, next.recorded);
      } catch (error) {
        if (isCodedError(error) && error.kind === 'unavailable') throw error;
        await this.parking.failedAgain(next.id, error instanceof Error ? error.message : String(error), 1);
        return { published, waiting: waiting.length };
      }
      await this.parking.remove(next.id);
    }
  }

  /** The first of its stream: only that can be tried, because the others must not overtake it. */
  private async head(id: string): Promise<ParkedPublication> {
    const head = (await this.list()).find((each) => each.id === id);
    if (!head) throw new NotParkedPublication(id);
    return head;
  }
}

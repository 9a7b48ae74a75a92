/**
 * The outbox is the stream itself: a consumer of the context's feed that publishes what the map's `publishes` make of
 * each event, and moves its checkpoint when the transport has stored it. A crash in between publishes some messages
 * again, with the same ids.
 *
 * Messages with the same subject go one after the other, each after the acknowledgement of the one before, because a
 * message that is lost and repeated would otherwise be overtaken. Different subjects go at the same time.
 */
import { silent, type Log } from '@annals/core';
import type { CheckpointStore, FeedBatch, FeedConsumer } from '@annals/event-store';
import type { CloudEvent } from '../envelope/cloud-event.js';
import type { Transport } from '../transport/transport.js';
import { publishObserved } from '../observed-messages.js';
import { eventEnvelopes } from './envelopes.js';
import type { Publication } from './publication.js';

export interface PublisherOptions {
  readonly context: string;
  readonly publications: readonly Publication[];
  readonly transport: Pick<Transport, 'publish'>;
  readonly checkpoints: CheckpointStore;
  /** Name of the checkpoint; default `publisher`. */
  readonly name?: string;
  /** How many messages may wait for their acknowledgement at the same time; default 256. */
  readonly inFlight?: number;
  readonly log?: Log;
}

/** What could be put into envelopes, and what stopped it there. */
interface Prepared {
  readonly messages: readonly CloudEvent[];
  /** Everything up to here is in `messages`. */
  readonly position: bigint;
  readonly failure?: unknown;
}

/** A consumer for `EventFeed.run`. An event that cannot be published is tried again for ever, and nothing overtakes it. */
export function publisher(options: PublisherOptions): FeedConsumer {
  const { context, publications, transport, checkpoints, name = 'publisher', inFlight = 256, log = silent } = options;
  const byEventType = new Map<string, Publication[]>();
  for (const publication of publications)
    byEventType.set(publication.eventType, [...(byEventType.get(publication.eventType) ?? []), publication]);

  function prepare(batch: FeedBatch, before: bigint): Prepared {
    const messages: CloudEvent[] = [];
    let position = before;
    for (const recorded of batch.events) {
      try {
        messages.push(...eventEnvelopes(context, byEventType.get(recorded.event.type) ?? [], recorded));
      } catch (failure) {
        return { messages, position, failure };
      }
      position = recorded.at.position;
    }
    return { messages, position: batch.position };
  }

  let reached = 0n;
  return {
    name,
    maxBatch: 1_000,
    async checkpoint() {
      reached = await checkpoints.load(name);
      return reached;
    },
    async handle(batch) {
      const { messages, position, failure } = prepare(batch, reached);
      await publishInOrder(messages, transport, inFlight);
      if (position > reached) await checkpoints.save(name, position);
      reached = position;
      if (failure !== undefined) throw failure as Error;
    },
    onFailure(error, failures) {
      log.error(`Publishing the integration events of '${context}' failed; trying again.`, { error, failures });
    },
  };
}

/** @throws the first failure, when everything that was under way is settled */
async function publishInOrder(
  messages: readonly CloudEvent[],
  transport: Pick<Transport, 'publish'>,
  inFlight: number,
): Promise<void> {
  const bySubject = new Map<string, CloudEvent[]>();
  for (const message of messages) {
    const siblings = bySubject.get(message.subject);
    if (siblings) siblings.push(message);
    else bySubject.set(message.subject, [message]);
  }
  const waiting = [...bySubject.values()].values();
  let failure: { readonly error: unknown } | undefined;
  const work = async () => {
    for (const siblings of waiting) {
      for (const message of siblings) {
        if (failure) return;
        try {
          await publishObserved(transport, { kind: 'events' }, message);
        } catch (error) {
          failure ??= { error };
          return;
        }
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(inFlight, bySubject.size) }, work));
  if (failure) throw failure.error as Error;
}

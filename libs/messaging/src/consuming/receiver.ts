/**
 * Deals with one delivery at a time: reads it, checks it, runs its handlers in its conversation, tries again, gives up.
 *
 *   delivery ─▶ readable? ─no──────────────────────────────────────────▶ dead letter
 *                  │yes
 *               handlers? ─none─▶ done
 *                  │
 *               valid? ─no─────────────────────────────────────────────▶ dead letter
 *                  │yes
 *               handlers ─all succeed─▶ done
 *                  │failure
 *                  ├─ 'unavailable' (store, database or broker is down): wait, again, without end
 *                  ├─ 'invalid' or 'unprocessable' (it'll never succeed) ─▶ dead letter
 *                  └─ else: wait, again, until `tries` are used up ─────▶ dead letter
 *
 * It waits between tries with the message in hand, so that later messages with the same subject stay behind it.
 */
import { fullJitterMs, isCodedError, pause, runInContext, silent, type Backoff, type Log } from '@annals/core';
import type { Contract } from '../contracts/contract.js';
import { validateData, type UnknownProperties } from '../contracts/validation.js';
import { parseCloudEvent, type CloudEvent } from '../envelope/cloud-event.js';
import { countBuried, handleObserved, traceparentOf } from '../observed-messages.js';
import type { NewDeadLetter } from '../transport/dead-letters.js';
import { inletName, type Delivery, type Inlet, type Receive, type Transport } from '../transport/transport.js';
import { receivedMessage, type MessageHandler } from './received-message.js';

export interface RetryPolicy extends Backoff {
  /** How often a message is tried before it becomes a dead letter. */
  readonly tries: number;
}

export const defaultRetryPolicy: RetryPolicy = { tries: 8, firstMs: 100, maxMs: 15_000 };

/** What a context does with messages of one type. */
export interface HandledType {
  readonly contract: Contract;
  readonly handlers: readonly MessageHandler[];
}

export interface ReceiverOptions {
  readonly inlet: Inlet;
  readonly handled: ReadonlyMap<string, HandledType>;
  readonly transport: Pick<Transport, 'bury'>;
  readonly retry?: RetryPolicy;
  readonly unknownProperties?: UnknownProperties;
  readonly log?: Log;
}

/** Thrown when a delivery is given up because its inlet stops; it will be delivered again. */
export class Interrupted extends Error {}

/** Places whose failed tries are remembered across a lost connection; more than any inlet has in hand. */
const rememberedPlaces = 4_096;

export function receiver(options: ReceiverOptions): Receive {
  const { inlet, handled, transport, log = silent } = options;
  const { retry = defaultRetryPolicy, unknownProperties = 'refuse' } = options;
  const triesOf = new Map<string, number>();

  const countTry = (place: string): number => {
    const tries = (triesOf.get(place) ?? 0) + 1;
    triesOf.delete(place);
    triesOf.set(place, tries);
    if (triesOf.size > rememberedPlaces) triesOf.delete(triesOf.keys().next().value ?? place);
    return tries;
  };

  async function bury(delivery: Delivery, error: unknown, tries: number, signal: AbortSignal): Promise<void> {
    const reason = { code: isCodedError(error) ? error.code : 'UNKNOWN', message: messageOf(error) };
    const letter: NewDeadLetter = {
      context: inlet.context,
      inlet: inletName(inlet),
      place: delivery.place,
      body: delivery.body,
      error: reason,
      tries,
      failedAt: new Date().toISOString(),
    };
    await untilBuried(letter, signal);
    countBuried(inlet, reason.code);
    log.error(`A message became a dead letter of '${inlet.context}': ${reason.message}`, { ...reason, tries });
    triesOf.delete(delivery.place);
  }

  /** The message stays in hand until it is safe, so that nothing overtakes it. */
  async function untilBuried(letter: NewDeadLetter, signal: AbortSignal): Promise<void> {
    for (let failures = 1; ; failures++) {
      if (signal.aborted) throw new Interrupted();
      try {
        return await transport.bury(letter);
      } catch (error) {
        log.warn(`A dead letter could not be stored; trying again: ${messageOf(error)}`, { place: letter.place });
        await pause(fullJitterMs(Math.min(failures, 30), retry), signal);
      }
    }
  }

  return async (delivery, signal) => {
    let envelope: CloudEvent;
    try {
      envelope = parseCloudEvent(delivery.body);
    } catch (error) {
      return bury(delivery, error, 1, signal);
    }
    const entry = handled.get(envelope.type);
    if (!entry) return;
    for (let failures = 1; ; failures++) {
      if (signal.aborted) throw new Interrupted();
      try {
        await handleObserved(inlet, envelope, () => handle(entry, envelope, delivery.deliveries));
        triesOf.delete(delivery.place);
        return;
      } catch (error) {
        const verdict = judge(error);
        const tries = verdict === 'wait' ? 0 : countTry(delivery.place);
        if (verdict === 'hopeless' || tries >= retry.tries) return bury(delivery, error, tries, signal);
        log.warn(`${envelope.type} could not be handled; trying again: ${messageOf(error)}`, {
          id: envelope.id,
          subject: envelope.subject,
          tries,
        });
        await pause(fullJitterMs(Math.min(failures, 30), retry), signal);
      }
    }
  };

  async function handle({ contract, handlers }: HandledType, envelope: CloudEvent, deliveries: number): Promise<void> {
    const data = validateData(contract, envelope.data, unknownProperties);
    const message = receivedMessage(envelope, data, deliveries);
    const conversation = {
      correlationId: message.correlationId,
      causationId: message.id,
      ...(message.actor !== undefined && { actor: message.actor }),
      traceparent: traceparentOf(envelope),
    };
    const outcomes = await runInContext(conversation, () =>
      Promise.allSettled(handlers.map(async (handler) => handler(message))),
    );
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function judge(error: unknown): 'wait' | 'hopeless' | 'again' {
  if (!isCodedError(error)) return 'again';
  if (error.kind === 'unavailable') return 'wait';
  return error.kind === 'invalid' || error.kind === 'unprocessable' ? 'hopeless' : 'again';
}

/**
 * The conversation that the running code belongs to, carried across awaits by AsyncLocalStorage. Whoever receives a
 * message (an HTTP request, an integration event, a saga's input) opens it; commands and logs read from it, so that
 * one correlation id travels all the way without being passed by hand.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

export interface MessageContext {
  readonly correlationId: string;
  /** The id of the message being handled. */
  readonly causationId?: string | undefined;
  readonly actor?: string | undefined;
  /** The trace that the message came in; the running span, where somebody records one, is nearer. */
  readonly traceparent?: string | undefined;
}

const storage = new AsyncLocalStorage<MessageContext>();

/** Runs `work` as part of the conversation `context`. */
export const runInContext = <Result>(context: MessageContext, work: () => Result): Result => storage.run(context, work);

/** The conversation of the running code; undefined outside of any. */
export const currentContext = (): MessageContext | undefined => storage.getStore();

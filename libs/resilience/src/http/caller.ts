/**
 * On whose behalf the running code works: the `Authorization` of the request that is being handled, kept for the calls that
 * are made because of it. It never leaves memory: it is no part of the message context, which is stored with events.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

const callers = new AsyncLocalStorage<string | undefined>();

/** @param authorization as in the header, for instance `Bearer ...` */
export const onBehalfOf = <Result>(authorization: string | undefined, work: () => Result): Result =>
  callers.run(authorization, work);

/** The caller's `Authorization`; undefined outside of any request, or when it came without. */
export const callerAuthorization = (): string | undefined => callers.getStore();

/** What an error of Postgres means: the data's fault, or the way to it. */
import { isNativeError } from 'node:util/types';
import pg from 'pg';

const sqlState = (error: unknown): string | undefined => {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return error instanceof pg.DatabaseError && typeof code === 'string' ? code : undefined;
};

/** 22 data exception, 23 integrity violation, 54 a limit of Postgres (an index entry too large): the same rows fail for ever. */
export const isDataError = (error: unknown): boolean => /^(22|23|54)/.test(sqlState(error) ?? '');

/**
 * The server is gone, is going, or had to choose another transaction; the same statement may succeed later. Everything
 * that is not an answer of the server counts: `pg` reports a broken connection by plain errors.
 */
export const isOutage = (error: unknown): boolean => {
  const state = sqlState(error);
  return state === undefined ? isConnectionError(error) : /^(08|25006|40|53|55P03|57|58)/.test(state);
};

const connectionTrouble =
  /ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|Connection terminated|not queryable|Client has encountered|timeout exceeded|Query read timeout|Cannot use a pool/i;

const isConnectionError = (error: unknown): boolean =>
  isNativeError(error) && connectionTrouble.test(`${String((error as { code?: unknown }).code)} ${error.message}`);

/** Somebody else holds what was asked for and did not let go in time. */
export const isLockTimeout = (error: unknown): boolean => sqlState(error) === '55P03';

export const hasSqlState = (error: unknown, state: string): boolean => sqlState(error) === state;

/** A name as Postgres' SQL takes it. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

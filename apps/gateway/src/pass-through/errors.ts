/** What went wrong on the way, as errors that the gateway answers with. */
import { connectionCode, DependencyTimeout, DependencyUnreachable } from '@annals/resilience';

/** The client went away before it had its answer; nobody is told. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone';
}

/** undici's error of an exchange, as what it means. */
export function upstreamError(error: Error, dependency: string, timeoutMs: number): Error {
  const { code } = error as { code?: unknown };
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT')
    return new DependencyTimeout(dependency, timeoutMs);
  const connection = connectionCode(error);
  return connection === undefined ? error : new DependencyUnreachable(dependency, connection, { cause: error });
}

/** Asks a running app to do something, over its `/admin` endpoints. */
import { operatorToken } from '../access/tokens.js';
import { AppNotReachable, AppRefused } from '../errors.js';
import type { Invocation } from '../invocation.js';
import { openWorkspace } from '../workspace.js';

/** Where the app of a context listens on this machine. @throws NoWorkspace, WrongUse */
export function appUrl(context: string, invocation: Invocation): string {
  const app = openWorkspace(invocation).apps.find(({ name }) => name === context);
  const host = invocation.env['HOST'] || '127.0.0.1';
  return `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${app?.port ?? 0}`;
}

export interface AdminRequest {
  /** Below `/admin`, encoded. */
  readonly path: string;
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly body?: object;
}

/** @param url of the app @throws AppNotReachable, AppRefused */
export async function askApp<Answer>(
  url: string,
  { path, method, body }: AdminRequest,
  invocation: Invocation,
): Promise<Answer> {
  const headers = {
    ...(body && { 'content-type': 'application/json' }),
    authorization: `Bearer ${await operatorToken(invocation)}`,
  };
  let response: Response;
  try {
    response = await fetch(`${url}/admin/${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  } catch (cause) {
    throw new AppNotReachable(url, { cause });
  }
  const text = await response.text();
  if (!response.ok) throw new AppRefused(url, response.status, reasonIn(text));
  return (text === '' ? undefined : JSON.parse(text)) as Answer;
}

/** What a problem document (RFC 9457) says; else the text itself. */
function reasonIn(text: string): string {
  try {
    const { detail, title } = JSON.parse(text) as { detail?: unknown; title?: unknown };
    return [detail, title].find((one) => typeof one === 'string') ?? text;
  } catch {
    return text;
  }
}

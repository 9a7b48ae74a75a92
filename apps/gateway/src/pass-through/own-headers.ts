/** What the gateway says itself in every answer: security headers, those of its hooks, and who has served. */
import type { FastifyReply } from 'fastify';

export interface OwnHeaders {
  /** Names and values in turn. */
  readonly pairs: readonly string[];
  /** In small letters: what a context says under these names is dropped. */
  readonly names: ReadonlySet<string>;
}

/** Every name that was ever said here; they are few, and one set of them all costs nothing a request. */
const names = new Set<string>();
let security: readonly string[] | undefined;

/** @param more further names and values in turn */
export function ownHeaders(reply: FastifyReply, more: readonly string[]): OwnHeaders {
  const pairs = [...securityHeaders(reply), ...more];
  const hooks = reply.getHeaders();
  for (const name in hooks) pairs.push(name, String(hooks[name]));
  for (let i = 0; i < pairs.length; i += 2) names.add(pairs[i] ?? '');
  return { pairs, names };
}

/** Those of helmet, names and values in turn. They are asked for once: they are the same for every answer that is no page. */
export function securityHeaders(reply: FastifyReply): readonly string[] {
  if (security) return security;
  const { raw } = reply;
  const before = raw.getHeaderNames();
  void reply.helmet();
  const added = raw.getHeaderNames().filter((name) => !before.includes(name));
  security = added.flatMap((name) => [name, String(raw.getHeader(name))]);
  for (const name of added) raw.removeHeader(name);
  return security;
}

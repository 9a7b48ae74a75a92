/** Who a request counts for. */
import type { FastifyRequest } from 'fastify';
import { subjectOf } from '../access.js';

/** Whoever is signed in, wherever they sit; else the address, of IPv6 its network: one client has as many as it likes. */
export function clientOf(request: FastifyRequest): string {
  const subject = subjectOf(request);
  return subject === undefined ? `ip:${networkOf(request.ip)}` : `sub:${subject}`;
}

/** An IPv6 address without its lower half. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const behind = tail === '' ? [] : tail.split(':');
    while (groups.length + behind.length < 8) groups.push('0');
    groups.push(...behind);
  }
  return groups
    .slice(0, 4)
    .map((group) => parseInt(group, 16).toString(16))
    .join(':');
}

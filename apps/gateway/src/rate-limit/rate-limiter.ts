/**
 * How often each client may ask. A sliding window of two counters: the hits of the running window, and those of the one
 * before by the share of it that still overlaps. One number pair a client, no timer a hit. It is the storage of
 * @nestjs/throttler, too (its own keeps a timer for every hit), so that all routes count together.
 * Source: the approximation of Cloudflare, https://blog.cloudflare.com/counting-things-a-lot-of-different-things/
 */
import type { ThrottlerStorage } from '@nestjs/throttler';

export interface RateLimit {
  readonly limit: number;
  readonly windowMs: number;
}

export interface Hit {
  readonly allowed: boolean;
  readonly remaining: number;
  /** Seconds until there is room again. */
  readonly retryAfterSeconds: number;
}

interface Counters {
  windowStart: number;
  windowMs: number;
  current: number;
  previous: number;
}

/** Clients beyond that are forgotten, those first who were not seen for the longest time. */
const knownClients = 100_000;

export class RateLimiter implements ThrottlerStorage {
  /** By client, those seen last at the end. */
  private readonly clients = new Map<string, Counters>();

  constructor(private readonly now: () => number = Date.now) {}

  /** Counts one request, unless it is one too many. */
  hit(client: string, { limit, windowMs }: RateLimit): Hit {
    const now = this.now();
    const counters = this.countersOf(client, windowMs, now);
    const passed = now - counters.windowStart;
    const used = counters.current + counters.previous * (1 - passed / windowMs);
    if (used + 1 > limit) {
      const retryAfterSeconds = Math.max(1, Math.ceil((windowMs - passed) / 1_000));
      return { allowed: false, remaining: 0, retryAfterSeconds };
    }
    counters.current++;
    return { allowed: true, remaining: Math.floor(limit - used - 1), retryAfterSeconds: 0 };
  }

  /** For @nestjs/throttler. @param ttl the window, in ms */
  increment(key: string, ttl: number, limit: number): ReturnType<ThrottlerStorage['increment']> {
    const { allowed, remaining, retryAfterSeconds } = this.hit(key, { limit, windowMs: ttl });
    return Promise.resolve({
      totalHits: allowed ? limit - remaining : limit + 1,
      timeToExpire: Math.ceil(ttl / 1_000),
      isBlocked: !allowed,
      timeToBlockExpire: retryAfterSeconds,
    });
  }

  private countersOf(client: string, windowMs: number, now: number): Counters {
    const known = this.clients.get(client);
    if (known?.windowMs === windowMs && now - known.windowStart < windowMs) return known;
    const next = moved(known?.windowMs === windowMs ? known : undefined, windowMs, now);
    this.clients.delete(client);
    this.clients.set(client, next);
    if (this.clients.size > knownClients) {
      const [oldest] = this.clients.keys();
      if (oldest !== undefined) this.clients.delete(oldest);
    }
    return next;
  }
}

/** The window that `now` is in. */
function moved(known: Counters | undefined, windowMs: number, now: number): Counters {
  if (!known) return { windowStart: now, windowMs, current: 0, previous: 0 };
  const windows = Math.floor((now - known.windowStart) / windowMs);
  return {
    windowStart: known.windowStart + windows * windowMs,
    windowMs,
    current: 0,
    previous: windows === 1 ? known.current : 0,
  };
}

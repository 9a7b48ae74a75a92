/** One place that requests go on to: a dependency's connections. */
import type { Dependency } from '@annals/resilience';
import { NoUrl } from '@annals/resilience';
import { Pool } from 'undici';

/** Connecting on a network of one's own takes milliseconds; what takes this long will not come. */
const connectWithinMs = 2_000;
/** An answer that stops for so long is broken off. */
const silenceMs = 60_000;

export class Upstream {
  readonly name: string;
  readonly pool: Pool;
  /** What stands before every path; without a slash at the end. */
  readonly basePath: string;

  /** @throws NoUrl */
  constructor(readonly dependency: Dependency) {
    const { name, settings } = dependency;
    if (settings.url === undefined) throw new NoUrl(name, `${name.toUpperCase().replaceAll('-', '_')}_URL`);
    const { origin, pathname } = new URL(settings.url);
    this.name = name;
    this.basePath = pathname.replace(/\/+$/, '');
    this.pool = new Pool(origin, {
      connections: settings.bulkhead.limit,
      connect: { timeout: connectWithinMs },
      bodyTimeout: silenceMs,
    });
  }

  /** Broken off: by then the server has closed its side. */
  close(): Promise<void> {
    return this.pool.destroy();
  }
}

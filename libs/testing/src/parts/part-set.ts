/** The real parts of one Jest run: one Postgres and one nats-server for each worker, started when first asked for. */
import { join } from 'node:path';
import { provideNatsServer, startNats, startPostgres, type RunningPart } from '@annals/embedded';

export const kinds = ['postgres', 'nats'] as const;
export type PartKind = (typeof kinds)[number];

/** Parts have temporary data, nothing is synced, and ports are free ones: runs do not meet. */
export class PartSet {
  private readonly parts = new Map<string, Promise<RunningPart>>();

  /** @param runtimeDir where downloads and templates are kept between runs */
  constructor(private readonly runtimeDir: string) {}

  async url(kind: PartKind, worker: string): Promise<string> {
    const key = `${kind}/${worker}`;
    const part = this.parts.get(key) ?? this.start(kind);
    this.parts.set(key, part);
    return (await part).url;
  }

  async stop(): Promise<void> {
    const started = await Promise.allSettled(this.parts.values());
    this.parts.clear();
    const running = started.filter((part) => part.status === 'fulfilled');
    await Promise.all(running.map((part) => part.value.stop()));
  }

  private async start(kind: PartKind): Promise<RunningPart> {
    if (kind === 'postgres') {
      return startPostgres({ port: 0, durable: false, cacheDir: join(this.runtimeDir, 'cache') });
    }
    return startNats({ port: 0, binary: await provideNatsServer({ runtimeDir: this.runtimeDir }) });
  }
}

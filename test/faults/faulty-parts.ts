/** The shop's parts, each behind a link that can be cut, and each a process that can be killed and started again on its data. */
import { mkdtemp, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { tmpdir } from 'node:os';
import {
  createDatabaseIfMissing,
  provideNatsServer,
  startEventStoreProcess,
  startNats,
  startPostgres,
  type RunningPart,
} from '@annals/embedded';
import type { ShopParts } from '../shop/shop-parts.js';
import { CuttableLink } from './cuttable-link.js';

export const partNames = ['event store', 'nats', 'postgres'] as const;
export type PartName = (typeof partNames)[number];

type Start = (port: number) => Promise<RunningPart>;

/** One part: what starts it on its data, the process that runs now, and the link to it. */
class FaultyPart {
  private constructor(
    private readonly begin: Start,
    private running: RunningPart,
    readonly link: CuttableLink,
  ) {}

  static async start(begin: Start): Promise<FaultyPart> {
    const running = await begin(0);
    return new FaultyPart(begin, running, await CuttableLink.to(running.port));
  }

  /** The part itself, past the link. */
  get directUrl(): string {
    return this.running.url;
  }

  get url(): string {
    return this.link.url(this.running.url);
  }

  /** `kill -9`, and a start on the same port and data. */
  async restart(): Promise<void> {
    const { pid, port, exited } = this.running;
    process.kill(pid, 'SIGKILL');
    await exited;
    this.running = await this.begin(port);
  }

  async stop(): Promise<void> {
    await this.link.close();
    await this.running.stop();
  }
}

export class FaultyParts implements ShopParts {
  private constructor(
    private readonly parts: Readonly<Record<PartName, FaultyPart>>,
    readonly folder: string,
  ) {}

  static async start(): Promise<FaultyParts> {
    const folder = await mkdtemp(join(tmpdir(), 'annals-faults-'));
    const binary = await provideNatsServer({ runtimeDir: resolve('.runtime') });
    const [eventStore, nats, postgres] = await Promise.all([
      FaultyPart.start((port) => startEventStoreProcess({ port, dataDir: join(folder, 'eventstore') })),
      FaultyPart.start((port) => startNats({ binary, port, storeDir: join(folder, 'nats') })),
      FaultyPart.start((port) => startPostgres({ port, dataDir: join(folder, 'postgres'), durable: false })),
    ]);
    return new FaultyParts({ 'event store': eventStore, nats, postgres }, folder);
  }

  get eventStoreUrl(): string {
    return this.parts['event store'].url;
  }

  /** For those who look at what happened: never cut. */
  get directEventStoreUrl(): string {
    return this.parts['event store'].directUrl;
  }

  get directNatsUrl(): string {
    return this.parts.nats.directUrl;
  }

  get natsUrl(): string {
    return this.parts.nats.url;
  }

  async databaseOf(app: string): Promise<string> {
    const { directUrl, link } = this.parts.postgres;
    return link.url(await createDatabaseIfMissing(directUrl, app));
  }

  async stopNats(): Promise<void> {
    await this.parts.nats.stop();
  }

  async restart(part: PartName): Promise<void> {
    await this.parts[part].restart();
  }

  cut(part: PartName): void {
    this.parts[part].link.cut();
  }

  mend(part: PartName): void {
    this.parts[part].link.mend();
  }

  async stop(): Promise<void> {
    await Promise.all(Object.values(this.parts).map((part) => part.stop()));
    await rm(this.folder, { recursive: true, force: true });
  }
}

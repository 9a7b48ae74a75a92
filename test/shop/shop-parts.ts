/** The parts that a shop of the tests runs on. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { provideNatsServer, startEventStoreProcess, startNats, type RunningPart } from '@annals/embedded';
import { testPostgres } from '@annals/testing';

export interface ShopParts {
  /** As the apps reach it. */
  readonly eventStoreUrl: string;
  /** As the test itself reaches it, whatever is between the apps and it. */
  readonly directEventStoreUrl: string;
  readonly natsUrl: string;
  /** URL of a database of its own for the app. */
  databaseOf(app: string): Promise<string>;
  /** For files of this shop alone; removed by {@link stop}. */
  readonly folder: string;
  stopNats(): Promise<void>;
  stop(): Promise<void>;
}

/** An event store and a nats-server of its own, databases on the test worker's Postgres. */
export class UndisturbedParts implements ShopParts {
  private constructor(
    private readonly eventStore: RunningPart,
    private readonly nats: RunningPart,
    readonly folder: string,
  ) {}

  static async start(): Promise<UndisturbedParts> {
    const folder = await mkdtemp(join(tmpdir(), 'annals-shop-'));
    const [eventStore, nats] = await Promise.all([
      startEventStoreProcess({ port: 0, dataDir: join(folder, 'eventstore') }),
      provideNatsServer({ runtimeDir: resolve('.runtime') }).then((binary) =>
        startNats({ binary, port: 0, storeDir: join(folder, 'nats') }),
      ),
    ]);
    return new UndisturbedParts(eventStore, nats, folder);
  }

  get eventStoreUrl(): string {
    return this.eventStore.url;
  }

  get directEventStoreUrl(): string {
    return this.eventStore.url;
  }

  get natsUrl(): string {
    return this.nats.url;
  }

  async databaseOf(): Promise<string> {
    return (await testPostgres()).url;
  }

  async stopNats(): Promise<void> {
    await this.nats.stop();
  }

  async stop(): Promise<void> {
    await Promise.all([this.eventStore.stop(), this.nats.stop()]);
    await rm(this.folder, { recursive: true, force: true });
  }
}

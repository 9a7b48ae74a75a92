/**
 * Runs the engine of the context's sagas in the instance that holds the lease (G10). People may look at instances, retry
 * and cancel them in every instance: what they do is appended to the saga's stream, and the owner sees it there.
 *
 *   boot: all versions there? ─▶ waiting ──gained──▶ engine runs ──lost──▶ waiting
 *                                            └─cannot start─▶ wait, again
 */
import { fullJitterMs, isCodedError, pause, type Backoff, type Log } from '@annals/core';
import type { Leases } from '@annals/messaging';
import type { InstanceDesk, IntegrationMessage, SagaEngine, SagaEngineStatus } from '@annals/sagas';

const again: Backoff = { firstMs: 250, maxMs: 5_000 };

export class SagaOwner {
  private engine: SagaEngine;
  private turn: AbortController | undefined;
  private working: Promise<void> = Promise.resolve();
  private failure: string | undefined;
  private readonly stopping = new AbortController();

  /** @param create a new engine: one that was stopped cannot be started again */
  constructor(
    private readonly create: () => SagaEngine,
    private readonly log: Log,
  ) {
    this.engine = create();
  }

  get instances(): InstanceDesk {
    return this.engine.instances;
  }

  /** Why no saga goes on in this instance, although it should. */
  get problem(): string | undefined {
    return this.failure;
  }

  /** Of this instance's engine; undefined while another instance owns the sagas. */
  get status(): SagaEngineStatus | undefined {
    return this.turn && this.engine.status;
  }

  deliver(message: IntegrationMessage): Promise<void> {
    return this.engine.deliver(message);
  }

  /** @throws SagaVersionMissing with the number of open instances, which stops the boot */
  async start(leases: Leases): Promise<void> {
    await this.engine.checkVersions();
    await this.renew();
    leases.want({ name: 'sagas', gained: () => this.begin(), lost: () => this.end() });
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.end();
    await this.engine.stop();
  }

  private begin(): void {
    if (this.turn || this.stopping.signal.aborted) return;
    this.turn = new AbortController();
    this.working = this.work(this.turn.signal);
  }

  private async end(): Promise<void> {
    this.turn?.abort();
    await this.working;
    this.turn = undefined;
  }

  private async work(signal: AbortSignal): Promise<void> {
    for (let failures = 1; !signal.aborted; failures++) {
      try {
        await this.workOnce(signal);
      } catch (error) {
        this.failure = isCodedError(error) ? `${error.code}: ${error.message}` : String(error);
        this.log.error('The sagas could not be started; it is tried again.', { error });
        await this.renew();
        await pause(fullJitterMs(failures, again), signal);
      }
    }
    this.failure = undefined;
    await this.renew();
  }

  /** Returns when the turn is over. @throws why the engine could not be started */
  private async workOnce(signal: AbortSignal): Promise<void> {
    const { engine } = this;
    const over = new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
      if (signal.aborted) resolve();
    });
    const stopped = over.then(() => engine.stop());
    await engine.start();
    this.failure = undefined;
    await stopped;
  }

  private async renew(): Promise<void> {
    const used = this.engine;
    this.engine = this.create();
    await used.stop();
  }
}

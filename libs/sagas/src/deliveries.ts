/** Which instances get an input, and what gives it to them. */
import { Uncorrelated } from './errors.js';
import { routeOf, type Route } from './input-routing.js';
import type { LiveInstances } from './live-instances.js';
import type { SagaCatalogue } from './saga-definition.js';
import type { SagaInput, SagaInstance } from './saga-instance.js';

/** One input for one instance. */
export interface Delivery {
  readonly id: string;
  readonly deliver: () => Promise<void>;
}

/** Begins the ids of instances that hold an input which `correlateBy` failed on, until somebody retries them. */
const uncorrelated = 'uncorrelated-';

export class Deliveries {
  constructor(
    private readonly catalogue: SagaCatalogue,
    private readonly live: LiveInstances,
  ) {}

  /** What has to be done for a saga to get an input: one delivery per instance concerned. */
  of(saga: string, input: SagaInput): Delivery[] {
    let route: Route;
    try {
      route = this.route(saga, input);
    } catch (error) {
      if (!(error instanceof Uncorrelated)) throw error;
      const id = `${uncorrelated}${input.id}`;
      return [{ id, deliver: () => this.live.use(saga, id, (instance) => instance.stopWith(input, error)) }];
    }
    const newest = this.catalogue.newest(saga);
    const starts = newest.startedBy?.has(input.event.type) === true;
    return [...route].map(([id, versions]) => {
      const receive = async (instance: SagaInstance) => {
        if (versions.has(instance.definition.version)) await instance.receive(input);
      };
      return { id, deliver: () => this.live.use(saga, id, receive, starts && versions.has(newest.version)) };
    });
  }

  /** Has a stuck instance go on; the input of one that `correlateBy` failed on looks for its way again. */
  async retry(saga: string, id: string): Promise<void> {
    if (!id.startsWith(uncorrelated)) return this.live.use(saga, id, (instance) => instance.retry());
    const { inputs, conversation } = await this.live.use(saga, id, ({ log }) => Promise.resolve(log));
    const [first] = inputs;
    if (!first) return;
    const input: SagaInput = {
      id: first.input.id,
      source: first.source,
      event: { type: first.input.type, data: first.input.data },
      correlationId: conversation?.correlationId ?? first.input.id,
      actor: conversation?.actor,
      traceparent: conversation?.traceparent,
    };
    const deliveries = this.of(saga, input);
    if (deliveries.some((delivery) => delivery.id === id)) return;
    await Promise.all(deliveries.map(({ deliver }) => deliver()));
    await this.live.use(saga, id, (instance) => instance.close());
  }

  private route(saga: string, { id, event, source }: SagaInput): Route {
    const kind = source === 'integration' ? 'integration' : 'event';
    return routeOf(this.catalogue.versionsOf(saga), event, id, kind);
  }
}

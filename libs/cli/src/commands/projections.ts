/** `annals projections`: look at read models, and build them anew from their events. */
import type { Projections, ProjectionStatus } from '@annals/projections';
import { InvalidArgumentError, type Command } from 'commander';
import { NothingToVerify, ReadModelDrifted, WrongUse } from '../errors.js';
import { printLine, type Invocation } from '../invocation.js';
import { jsonLine } from '../output/json.js';
import { progressBar } from '../output/progress-bar.js';
import { table } from '../output/table.js';
import { cancellable } from '../processes/foreground.js';
import { onOwner, onOwners } from './projections-owner.js';
import { addParked } from './projections-parked.js';

interface Printing {
  readonly json?: boolean;
}

const asJson = ['--json', 'print JSON'] as const;

export function addProjections(program: Command, invocation: Invocation): void {
  const projections = program
    .command('projections')
    .description('the read models: their state, rebuilds, parked events')
    .addHelpText(
      'after',
      '\nWorks on EVENTSTORE_URL and DATABASE_URL (default: the local parts), whether apps run or not.',
    );
  projections
    .command('status [name]')
    .description('state, position and lag of all read models, or of one')
    .option(...asJson)
    .action((name: string | undefined, options: Printing) => status(name, options, invocation));
  projections
    .command('rebuild [name]')
    .description('build a read model anew from its events beside the one that is served, then swap it in')
    .option('--all', 'all read models, one after the other')
    .option('--throttle <events/s>', 'read no faster than that', positiveNumber)
    .option(...asJson)
    .action((name: string | undefined, options: RebuildArguments) => rebuild(name, options, invocation));
  projections
    .command('rollback <name>')
    .description('serve the build before the present one again')
    .option(...asJson)
    .action((name: string, options: Printing) =>
      change(name, 'rolled back', options, invocation, (models) => models.rollback(name)),
    );
  projections
    .command('verify <name>')
    .description('fold all events again and compare with what is served; exit code 1 when rows differ')
    .option('--throttle <events/s>', 'read no faster than that', positiveNumber)
    .option(...asJson)
    .action((name: string, options: RebuildArguments) => verify(name, options, invocation));
  projections
    .command('pause <name>')
    .description('stop folding, in all instances, until resumed')
    .option(...asJson)
    .action((name: string, options: Printing) =>
      change(name, 'paused', options, invocation, (models) => models.pause(name)),
    );
  projections
    .command('resume <name>')
    .description('fold again')
    .option(...asJson)
    .action((name: string, options: Printing) =>
      change(name, 'resumed', options, invocation, (models) => models.resume(name)),
    );
  addParked(projections, invocation);
}

interface RebuildArguments extends Printing {
  readonly all?: boolean;
  readonly throttle?: number;
}

async function status(name: string | undefined, { json = false }: Printing, invocation: Invocation): Promise<void> {
  const found = await onOwners(name, invocation, async (projections, { name: context }) =>
    (await projections.status(name)).map((one) => ({ context, ...one })),
  );
  const statuses = found.flat();
  if (json) return printLine(invocation.stdout, jsonLine(statuses));
  for (const line of table(statusHeadings, statuses.map(statusRow))) printLine(invocation.stdout, line);
  for (const { name: failing, lastError } of statuses)
    if (lastError !== undefined) printLine(invocation.stdout, `${failing}: ${lastError}`);
}

const statusHeadings = [
  'read model',
  'context',
  'version',
  'state',
  'events',
  'behind',
  'lag ms',
  'events/s',
  'parked',
];
const statusRow = (one: ProjectionStatus & { context: string }) => [
  one.name,
  one.context,
  one.version,
  one.state,
  one.events,
  one.behind,
  one.lagMs,
  Math.round(one.eventsPerSecond),
  one.parked,
];

async function rebuild(name: string | undefined, options: RebuildArguments, invocation: Invocation): Promise<void> {
  const { all = false, json = false, throttle } = options;
  if ((name === undefined) === !all) throw new WrongUse('Give the name of one read model, or --all.');
  await cancellable(async (signal) => {
    const rebuildOne = async (projections: Projections, context: string, model: string) => {
      const began = performance.now();
      const bar = progressBar(model, invocation.stderr);
      const built = await projections
        .rebuild(model, { signal, onProgress: bar.show, ...(throttle !== undefined && { throttle }) })
        .finally(bar.end);
      const tookMs = Math.round(performance.now() - began);
      if (!json) printLine(invocation.stdout, rebuiltLine(model, built, tookMs));
      return { name: model, context, ...built, tookMs };
    };
    const done = await onOwners(name, invocation, async (projections, { name: context, readModels = [] }) => {
      const results: object[] = [];
      for (const model of name === undefined ? readModels.map((one) => one.name) : [name])
        results.push(await rebuildOne(projections, context, model));
      return results;
    });
    if (json) printLine(invocation.stdout, jsonLine(name === undefined ? done.flat() : done.flat()[0]));
  });
}

const rebuiltLine = (
  name: string,
  { events, parkedScopes }: { events: number; parkedScopes: number },
  tookMs: number,
) =>
  `${name} is rebuilt from ${events} events in ${(tookMs / 1000).toFixed(1)} s and served now` +
  (parkedScopes === 0 ? '' : `; ${parkedScopes} keys are parked, see: annals projections parked list ${name}`);

async function verify(
  name: string,
  { json = false, throttle }: RebuildArguments,
  invocation: Invocation,
): Promise<void> {
  await cancellable(async (signal) => {
    const bar = progressBar(name, invocation.stderr);
    const options = { signal, onProgress: bar.show, ...(throttle !== undefined && { throttle }) };
    const verified = await onOwner(name, invocation, (models) => models.verify(name, options)).finally(bar.end);
    if (verified === undefined) throw new NothingToVerify(name);
    if (json) printLine(invocation.stdout, jsonLine({ name, ...verified }));
    else if (verified.drifted === 0)
      printLine(invocation.stdout, `${name}: all ${verified.rows} rows are what its ${verified.events} events say`);
    else
      for (const { kind, key } of verified.drift) printLine(invocation.stdout, `${kind.padEnd(10)} ${jsonLine(key)}`);
    if (verified.drifted > 0) throw new ReadModelDrifted(name, verified.drifted, verified.rows);
  });
}

async function change(
  name: string,
  what: string,
  { json = false }: Printing,
  invocation: Invocation,
  work: (projections: Projections) => Promise<void>,
): Promise<void> {
  await onOwner(name, invocation, work);
  printLine(invocation.stdout, json ? jsonLine({ name, done: what }) : `${name} is ${what}`);
}

function positiveNumber(text: string): number {
  const number = Number(text);
  if (!(number > 0 && Number.isFinite(number))) throw new InvalidArgumentError('It must be a number greater than 0.');
  return number;
}

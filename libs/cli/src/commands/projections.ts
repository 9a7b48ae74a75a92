/** `annals projections`: look at read models, and build them anew from their events. */
import type { Projections } from '@annals/projections';
import { InvalidArgumentError, type Command } from 'commander';
import { NothingToVerify, ReadModelDrifted } from '../errors.js';
import { printLine, type Invocation } from '../invocation.js';
import { jsonLine } from '../output/json.js';
import { progressBar } from '../output/progress-bar.js';
import { cancellable } from '../processes/foreground.js';
import { onOwner } from './projections-owner.js';
import { addParked } from './projections-parked.js';
import { rebuild, type RebuildArguments } from './projections-rebuild.js';
import { status, type StatusArguments } from './projections-status.js';

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
    .option('--watch', 'print it again every second, until interrupted')
    .option(...asJson)
    .action((name: string | undefined, options: StatusArguments) => status(name, options, invocation));
  projections
    .command('rebuild [name]')
    .description('build a read model anew from its events beside the one that is served, then swap it in')
    .option('--all', 'all read models, those of one context at once')
    .option('--from-scratch', 'drop first all that Postgres has of it; queries find nothing until it is done')
    .option('--throttle <events/s>', 'read no faster than that', positiveNumber)
    .option(...asJson)
    .action((name: string | undefined, options: RebuildArguments) => rebuild(name, options, invocation));
  projections
    .command('cancel <name>')
    .description('cancel the rebuild under way, whoever runs it; what it has built is dropped')
    .option(...asJson)
    .action((name: string, options: Printing) =>
      change(name, 'told to stop rebuilding', options, invocation, (models) => models.cancelRebuild(name)),
    );
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

async function verify(
  name: string,
  { json = false, throttle }: Pick<RebuildArguments, 'json' | 'throttle'>,
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

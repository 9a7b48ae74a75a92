/** `annals projections parked`: events that could not be folded, and those that wait behind them. */
import type { ParkedKey, RetryOutcome } from '@annals/projections';
import type { Command } from 'commander';
import { StillParked } from '../errors.js';
import { printLine, type Invocation } from '../invocation.js';
import { jsonLine } from '../output/json.js';
import { table } from '../output/table.js';
import { onOwner, onOwners } from './projections-owner.js';

interface Printing {
  readonly json?: boolean;
}

export function addParked(projections: Command, invocation: Invocation): void {
  const parked = projections
    .command('parked')
    .description('events that could not be folded, by the keys that they hold up');
  parked
    .command('list [name]')
    .description('the keys that stand still, each by its first event')
    .option('--json', 'print JSON')
    .action((name: string | undefined, options: Printing) => list(name, options, invocation));
  parked
    .command('show <name> <id>')
    .description('the event with its error, and what waits behind it')
    .option('--json', 'print JSON')
    .action((name: string, id: string, options: Printing) => show(name, id, options, invocation));
  parked
    .command('retry <name> <id>')
    .description('fold the event and those behind it again; exit code 1 when that fails again')
    .option('--json', 'print JSON')
    .action((name: string, id: string, options: Printing) => again('retry', name, id, options, invocation));
  parked
    .command('skip <name> <id>')
    .description('pass over the event for good, and fold those behind it')
    .option('--json', 'print JSON')
    .action((name: string, id: string, options: Printing) => again('skip', name, id, options, invocation));
}

async function list(name: string | undefined, { json = false }: Printing, invocation: Invocation): Promise<void> {
  const keys = (await onOwners(name, invocation, (projections) => projections.parked.list(name))).flat();
  if (json) return printLine(invocation.stdout, jsonLine(keys));
  if (keys.length === 0) return printLine(invocation.stdout, 'Nothing is parked.');
  const headings = ['id', 'read model', 'key', 'event', 'waiting', 'error'];
  for (const line of table(headings, keys.map(rowOf))) printLine(invocation.stdout, line);
}

const rowOf = ({ id, readModel, key, stream, recorded, waiting, error }: ParkedKey) => [
  id,
  readModel,
  key ?? stream,
  recorded.event.type,
  waiting,
  error.split('\n')[0],
];

async function show(name: string, id: string, { json = false }: Printing, invocation: Invocation): Promise<void> {
  const { head, behind } = await onOwner(name, invocation, (projections) => projections.parked.show(name, id));
  if (json) return printLine(invocation.stdout, jsonLine({ head, behind }));
  const { recorded, error, attempts, parkedAt } = head;
  const lines = [
    `${recorded.event.type} ${recorded.at.id} of ${recorded.at.stream}, revision ${recorded.at.revision}`,
    `parked at ${parkedAt.toISOString()} after ${attempts} attempts: ${error}`,
    jsonLine(recorded.event.data),
    ...behind.map(({ event, at }) => `behind it: ${event.type} ${at.id}, revision ${at.revision}`),
  ];
  for (const line of lines) printLine(invocation.stdout, line);
}

async function again(
  how: 'retry' | 'skip',
  name: string,
  id: string,
  { json = false }: Printing,
  invocation: Invocation,
): Promise<void> {
  const outcome: RetryOutcome = await onOwner(name, invocation, (projections) => projections.parked[how](name, id));
  const { applied, stillParked } = outcome;
  printLine(
    invocation.stdout,
    json ? jsonLine({ name, id, ...outcome }) : `${applied} events folded, ${stillParked} still parked`,
  );
  if (stillParked > 0) throw new StillParked(name, stillParked);
}

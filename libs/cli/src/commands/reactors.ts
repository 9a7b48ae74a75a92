/** `annals reactors`: how reactors go, what they have parked, another try, passing over. Asks the running apps. */
import type { AsJson, ParkedReaction, ParkedStream, ReactionRetry, ReactorStatus } from '@annals/nestjs';
import type { Command } from 'commander';
import { ReactorStillFails, NoReactor } from '../errors.js';
import { printLine, type Invocation } from '../invocation.js';
import { jsonLine } from '../output/json.js';
import { table } from '../output/table.js';

interface Printing {
  readonly json?: boolean;
}
interface Asking extends Printing {
  readonly url?: string;
}

const asJson = ['--json', 'print JSON'] as const;
const atUrl = ['--url <url>', 'of the app that the reactor belongs to; default: on this machine'] as const;

export function addReactors(program: Command, invocation: Invocation): void {
  const reactors = program
    .command('reactors')
    .description('work that follows from events: how it goes, and the events that it failed with')
    .addHelpText('after', '\nAsks the running apps (ANNALS_TOKEN: the token to show; default: one of this machine).');
  reactors
    .command('status')
    .description('where each reactor is, as far as the instance that answers knows')
    .option(...asJson)
    .action((options: Printing) => status(options, invocation));
  const parked = reactors.command('parked').description('events that a reactor failed with, and those behind them');
  parked
    .command('list [name]')
    .description('the first event of each stream that waits')
    .option(...atUrl)
    .option(...asJson)
    .action((name: string | undefined, options: Asking) => list(name, options, invocation));
  parked
    .command('show <name> <id>')
    .description('the event with its error, and what waits with it')
    .option(...atUrl)
    .option(...asJson)
    .action((name: string, id: string, options: Asking) => show(name, id, options, invocation));
  for (const [verb, description] of [
    ['retry', 'give the reactor the event and those behind it again; exit code 1 when that fails again'],
    ['skip', 'pass over the event for good; those behind it are tried'],
  ] as const)
    parked
      .command(`${verb} <name> <id>`)
      .description(description)
      .option(...atUrl)
      .option(...asJson)
      .action((name: string, id: string, options: Asking) => again(verb, name, id, options, invocation));
}

async function status({ json = false }: Printing, invocation: Invocation): Promise<void> {
  const { appUrl, askApp } = await import('../contexts/admin-door.js');
  const found: (AsJson<ReactorStatus> & { readonly context: string })[] = [];
  for (const { context } of await reactorsByContext(invocation)) {
    const request = { path: 'reactors', method: 'GET' } as const;
    for (const one of await askApp<AsJson<ReactorStatus>[]>(appUrl(context, invocation), request, invocation))
      found.push({ context, ...one });
  }
  if (json) return printLine(invocation.stdout, jsonLine(found));
  if (found.length === 0) return printLine(invocation.stdout, 'No context has reactors.');
  const rows = found.map(({ name, context, state, lagMs, parked, lastError }) => [
    ...[name, context, state, lagMs, parked],
    lastError?.split('\n')[0],
  ]);
  for (const line of table(['reactor', 'context', 'state', 'lag ms', 'parked', 'last error'], rows))
    printLine(invocation.stdout, line);
}

async function list(name: string | undefined, options: Asking, invocation: Invocation): Promise<void> {
  const wanted = name === undefined ? (await reactorsByContext(invocation)).flatMap(({ names }) => names) : [name];
  const found: (AsJson<ParkedStream> & { readonly reactor: string })[] = [];
  for (const reactor of wanted) {
    const streams = await ask<AsJson<ParkedStream>[]>(reactor, 'GET', '', options, invocation);
    for (const one of streams) found.push({ reactor, ...one });
  }
  if (options.json) return printLine(invocation.stdout, jsonLine(found));
  if (found.length === 0) return printLine(invocation.stdout, 'Nothing is parked.');
  const rows = found.map(({ id, reactor, eventType, stream, behind, attempts, error }) => [
    ...[id, reactor, eventType, stream, behind, attempts],
    error?.split('\n')[0],
  ]);
  for (const line of table(['id', 'reactor', 'event', 'stream', 'behind', 'tries', 'error'], rows))
    printLine(invocation.stdout, line);
}

async function show(name: string, id: string, options: Asking, invocation: Invocation): Promise<void> {
  const path = `/${encodeURIComponent(id)}`;
  const waiting = await ask<AsJson<ParkedReaction>[]>(name, 'GET', path, options, invocation);
  if (options.json) return printLine(invocation.stdout, jsonLine(waiting));
  for (const { recorded, error, attempts, parkedAt } of waiting) {
    const { event, at } = recorded;
    printLine(invocation.stdout, `${event.type} ${at.id} of ${at.stream}, revision ${at.revision}`);
    const why = error === undefined ? 'behind it' : `after ${attempts} attempts: ${error}`;
    printLine(invocation.stdout, `  parked at ${parkedAt}, ${why}`);
    printLine(invocation.stdout, `  ${jsonLine(event.data)}`);
  }
}

async function again(
  verb: 'retry' | 'skip',
  name: string,
  id: string,
  options: Asking,
  invocation: Invocation,
): Promise<void> {
  const outcome = await ask<ReactionRetry>(name, 'POST', `/${encodeURIComponent(id)}/${verb}`, options, invocation);
  const { done, waiting } = outcome;
  printLine(
    invocation.stdout,
    options.json ? jsonLine({ name, id, ...outcome }) : `${done} events dealt with, ${waiting} still wait`,
  );
  if (waiting > 0) throw new ReactorStillFails(name, waiting);
}

/** @param below the reactor's parked events @throws NoReactor, AppNotReachable, AppRefused */
async function ask<Answer>(
  reactor: string,
  method: 'GET' | 'POST',
  below: string,
  { url }: Asking,
  invocation: Invocation,
): Promise<Answer> {
  const { appUrl, askApp } = await import('../contexts/admin-door.js');
  const app = url ?? appUrl(await ownerOf(reactor, invocation), invocation);
  return askApp<Answer>(app, { path: `reactors/${encodeURIComponent(reactor)}/parked${below}`, method }, invocation);
}

async function ownerOf(reactor: string, invocation: Invocation): Promise<string> {
  const owners = await reactorsByContext(invocation);
  const owner = owners.find(({ names }) => names.includes(reactor));
  if (owner) return owner.context;
  throw new NoReactor(
    reactor,
    owners.flatMap(({ names }) => names),
  );
}

/** Of the contexts that have any. */
async function reactorsByContext(invocation: Invocation): Promise<{ context: string; names: string[] }[]> {
  const { contextMaps } = await import('../contexts/contexts.js');
  const maps = await contextMaps(invocation);
  return maps
    .filter(({ reactors = [] }) => reactors.length > 0)
    .map(({ name, reactors = [] }) => ({ context: name, names: reactors.map((each) => each.name) }));
}

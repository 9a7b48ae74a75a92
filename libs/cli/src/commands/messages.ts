/** `annals messages`: what contexts could not deal with, and what they could not publish. */
import type { DeadLetter } from '@annals/messaging';
import type { ParkedPublication, ParkedPublications, PublicationRetry } from '@annals/nestjs';
import type { Command } from 'commander';
import { NoPublisher, StillNotPublished, WrongUse } from '../errors.js';
import { printLine, type Invocation } from '../invocation.js';
import { jsonLine } from '../output/json.js';
import { table } from '../output/table.js';
import { readLimit } from './sagas.js';

interface Printing {
  readonly json?: boolean;
}

const asJson = ['--json', 'print JSON'] as const;

export function addMessages(program: Command, invocation: Invocation): void {
  const messages = program
    .command('messages')
    .description('messages between contexts: those that could not be dealt with, events that could not be published')
    .addHelpText('after', '\nWorks on NATS_URL (or the event store, without a broker), whether apps run or not.');
  addDead(messages.command('dead').description('dead letters: messages that a context gave up'), invocation);
  addParked(
    messages.command('parked').description('events that a context could not publish, and those behind them'),
    invocation,
  );
}

function addDead(dead: Command, invocation: Invocation): void {
  dead
    .command('list')
    .description('the oldest first')
    .option('--context <name>', 'of this context only')
    .option('--limit <n>', 'at most that many', readLimit, 100)
    .option(...asJson)
    .action((options: Printing & { context?: string; limit: number }) => listDead(options, invocation));
  dead
    .command('show <id>')
    .description('the message, and why it was given up')
    .option(...asJson)
    .action((id: string, options: Printing) => showDead(id, options, invocation));
  dead
    .command('replay <id>')
    .description('give it once more to the context that gave it up, and to no other')
    .option(...asJson)
    .action((id: string, options: Printing) => settle('replay', 'replayed', id, options, invocation));
  dead
    .command('drop <id>')
    .description('forget it for good')
    .option(...asJson)
    .action((id: string, options: Printing) => settle('drop', 'dropped', id, options, invocation));
}

async function listDead(
  { context, limit, json = false }: Printing & { context?: string; limit: number },
  invocation: Invocation,
): Promise<void> {
  const { withTransport } = await import('../contexts/working-parts.js');
  const letters = await withTransport(invocation, ({ deadLetters }) =>
    deadLetters.list({ limit, ...(context !== undefined && { context }) }),
  );
  if (json) return printLine(invocation.stdout, jsonLine(letters));
  if (letters.length === 0) return printLine(invocation.stdout, 'There are none.');
  const headings = ['id', 'context', 'type', 'subject', 'tries', 'failed at', 'error'];
  for (const line of table(headings, letters.map(rowOf))) printLine(invocation.stdout, line);
}

const rowOf = ({ id, context, message, tries, failedAt, error }: DeadLetter) => [
  id,
  context,
  message.type,
  message.subject,
  tries,
  failedAt,
  error.message.split('\n')[0],
];

async function showDead(id: string, { json = false }: Printing, invocation: Invocation): Promise<void> {
  const { withTransport } = await import('../contexts/working-parts.js');
  const letter = await withTransport(invocation, ({ deadLetters }) => deadLetters.show(id));
  if (json) return printLine(invocation.stdout, jsonLine(letter));
  const { message, context, inlet, place, tries, failedAt, error, body } = letter;
  const lines = [
    `${message.type ?? 'unreadable'} ${message.id ?? ''} about ${message.subject ?? '?'}`,
    `given up by ${context} (${inlet}, ${place}) at ${failedAt} after ${tries} tries`,
    `${error.code}: ${error.message}`,
    body,
  ];
  for (const line of lines) printLine(invocation.stdout, line);
}

async function settle(
  how: 'replay' | 'drop',
  done: string,
  id: string,
  { json = false }: Printing,
  invocation: Invocation,
): Promise<void> {
  const { withTransport } = await import('../contexts/working-parts.js');
  await withTransport(invocation, ({ deadLetters }) => deadLetters[how](id));
  printLine(invocation.stdout, json ? jsonLine({ id, done }) : `${id} is ${done}`);
}

function addParked(parked: Command, invocation: Invocation): void {
  parked
    .command('list')
    .description('the first event of each stream that waits')
    .option(...asJson)
    .action((options: Printing) => listParked(options, invocation));
  for (const [verb, description] of [
    ['retry', 'publish the event and those behind it; exit code 1 when that fails again'],
    ['skip', 'never publish the event, and publish those behind it'],
  ] as const)
    parked
      .command(`${verb} <context> [id]`)
      .description(description)
      .option('--all', 'every stream of the context that waits')
      .option(...asJson)
      .action((context: string, id: string | undefined, options: Printing & { all?: boolean }) =>
        again(verb, context, id, options, invocation),
      );
}

/** Runs `work` for each context that publishes, or for the one of this name. @throws NoPublisher */
async function onPublishers<Result>(
  context: string | undefined,
  invocation: Invocation,
  work: (parked: ParkedPublications, context: string) => Promise<Result>,
): Promise<Result[]> {
  const { contextMaps } = await import('../contexts/contexts.js');
  const { withDatabase, withTransport } = await import('../contexts/working-parts.js');
  const { parkedPublications } = await import('@annals/nestjs');
  const all = (await contextMaps(invocation)).filter(({ publishes = [] }) => publishes.length > 0);
  const maps = all.filter(({ name }) => context === undefined || name === context);
  if (context !== undefined && maps.length === 0)
    throw new NoPublisher(
      context,
      all.map(({ name }) => name),
    );
  return withTransport(invocation, async (transport) => {
    const results: Result[] = [];
    for (const map of maps)
      await withDatabase(map, invocation, async ({ pool }) => {
        const publishing = { context: map.name, publications: map.publishes ?? [], transport };
        results.push(await work(await parkedPublications(publishing, pool), map.name));
      });
    return results;
  });
}

async function listParked({ json = false }: Printing, invocation: Invocation): Promise<void> {
  const found = await onPublishers(undefined, invocation, async (parked, context) =>
    (await parked.list()).map((one) => ({ context, ...one })),
  );
  const events = found.flat();
  if (json) return printLine(invocation.stdout, jsonLine(events));
  if (events.length === 0) return printLine(invocation.stdout, 'Nothing is parked.');
  const headings = ['id', 'context', 'event', 'stream', 'behind', 'tries', 'error'];
  const row = ({
    id,
    context,
    eventType,
    stream,
    behind,
    attempts,
    error,
  }: ParkedPublication & { context: string }) => [
    ...[id, context, eventType, stream, behind, attempts],
    error?.split('\n')[0],
  ];
  for (const line of table(headings, events.map(row))) printLine(invocation.stdout, line);
}

async function again(
  verb: 'retry' | 'skip',
  context: string,
  id: string | undefined,
  { all = false, json = false }: Printing & { all?: boolean },
  invocation: Invocation,
): Promise<void> {
  if ((id === undefined) === !all) throw new WrongUse('Give the id of one event, or --all.');
  const [outcome] = await onPublishers(context, invocation, async (parked): Promise<PublicationRetry> => {
    const ids = id === undefined ? (await parked.list()).map((one) => one.id) : [id];
    let [published, waiting] = [0, 0];
    for (const each of ids) {
      const result = await parked[verb](each);
      published += result.published;
      waiting += result.waiting;
    }
    return { published, waiting };
  });
  const { published, waiting } = outcome ?? { published: 0, waiting: 0 };
  printLine(
    invocation.stdout,
    json ? jsonLine({ context, published, waiting }) : `${published} events published, ${waiting} still wait`,
  );
  if (waiting > 0) throw new StillNotPublished(context, waiting);
}

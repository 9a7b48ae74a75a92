/** `annals sagas`: where the instances of sagas stand, what happened to one, another try, giving up. */
import type { InstanceDetails, InstanceState, InstanceSummary, TimelineEntry } from '@annals/sagas';
import { InvalidArgumentError, type Command } from 'commander';
import { SagaStillFails, UnknownSaga, WrongUse } from '../errors.js';
import { printLine, type Invocation } from '../invocation.js';
import { jsonLine } from '../output/json.js';
import { table } from '../output/table.js';

interface Printing {
  readonly json?: boolean;
}
interface ListArguments extends Printing {
  readonly saga?: string;
  readonly state?: InstanceState[];
  readonly limit: number;
}
interface Asking extends Printing {
  readonly url?: string;
}

const states: readonly InstanceState[] = [
  ...(['running', 'compensating', 'failing', 'stuck'] as const),
  ...(['completed', 'compensated', 'compensated-with-failures', 'cancelled'] as const),
];

export function addSagas(program: Command, invocation: Invocation): void {
  const sagas = program
    .command('sagas')
    .description('the instances of sagas: where they stand and what happened')
    .addHelpText(
      'after',
      '\nlist and show work on EVENTSTORE_URL and DATABASE_URL, whether apps run or not; retry and cancel ask the running app\n' +
        '(ANNALS_TOKEN: the token to show it; default: one of this machine).',
    );
  sagas
    .command('list')
    .description('instances, the latest changed first')
    .option('--saga <name>', 'of this saga only')
    .option('--state <states>', `in these states only, separated by commas: ${states.join(', ')}`, readStates)
    .option('--limit <n>', 'at most that many of each context', readLimit, 100)
    .option('--json', 'print JSON')
    .action((options: ListArguments) => list(options, invocation));
  sagas
    .command('show <saga> <id>')
    .description('one instance with its timeline: inputs, commands, outcomes, waits')
    .option('--json', 'print JSON')
    .action((saga: string, id: string, options: Printing) => show(saga, id, options, invocation));
  sagas
    .command('retry <saga> <id>')
    .description('give a failing or stuck instance another try at once; exit code 1 when it fails again')
    .option('--url <url>', 'of the app that the saga belongs to; default: on this machine')
    .option('--json', 'print JSON')
    .action((saga: string, id: string, options: Asking) => retry(saga, id, options, invocation));
  sagas
    .command('cancel <saga> <id>')
    .description('have an instance give up: steps that are done are undone')
    .requiredOption('--reason <text>', 'why; it stands in the history')
    .option('--url <url>', 'of the app that the saga belongs to; default: on this machine')
    .option('--json', 'print JSON')
    .action((saga: string, id: string, options: Asking & { reason: string }) => cancel(saga, id, options, invocation));
}

async function list({ saga, state, limit, json = false }: ListArguments, invocation: Invocation): Promise<void> {
  const { contextMaps } = await import('../contexts/contexts.js');
  const { withDatabase } = await import('../contexts/working-parts.js');
  const { declaredSagasOf, PostgresInstanceIndex } = await import('@annals/sagas');
  const maps = await contextMaps(invocation);
  const owning = maps.filter(({ sagas = [] }) =>
    sagas.flatMap(declaredSagasOf).some((name) => saga === undefined || name === saga),
  );
  if (saga !== undefined && owning.length === 0) throw await unknown(saga, invocation);
  const filter = { limit, ...(saga !== undefined && { saga }), ...(state && { states: state }) };
  const found: (InstanceSummary & { context: string })[] = [];
  for (const map of owning)
    await withDatabase(map, invocation, async ({ pool }) => {
      for (const one of await new PostgresInstanceIndex(pool).list(filter)) found.push({ context: map.name, ...one });
    });
  if (json) return printLine(invocation.stdout, jsonLine(found));
  if (found.length === 0) return printLine(invocation.stdout, 'There are none.');
  const headings = ['saga', 'id', 'state', 'step', 'tries', 'started', 'deadline', 'last error'];
  for (const line of table(headings, found.map(rowOf))) printLine(invocation.stdout, line);
}

const rowOf = ({ saga, id, state, step, tries, started, deadline, lastError }: InstanceSummary) => [
  saga,
  id,
  state,
  step,
  tries,
  started.toISOString(),
  deadline?.toISOString(),
  lastError?.message.split('\n')[0],
];

async function show(saga: string, id: string, { json = false }: Printing, invocation: Invocation): Promise<void> {
  const { withEventStore } = await import('../contexts/working-parts.js');
  const { showInstance } = await import('@annals/sagas');
  const details = await withEventStore(invocation, ({ streams }) => showInstance(streams, saga, id));
  if (json) return printLine(invocation.stdout, jsonLine(details));
  for (const line of told(details)) printLine(invocation.stdout, line);
}

/** As JSON brings it from an app, times are text. */
type Told = Omit<InstanceDetails, 'history' | 'started' | 'ended' | 'deadline' | 'updated'> & {
  readonly started: Date | string;
  readonly deadline?: Date | string | undefined;
  readonly history: readonly (Omit<TimelineEntry, 'at'> & { readonly at: Date | string })[];
};

function* told(details: Told): Generator<string> {
  const { saga, id, version, state, step, tries, started, deadline, lastError, correlationId, history } = details;
  yield `${saga} ${id}, version ${version}: ${state}${step === undefined ? '' : `, step '${step}'`}`;
  yield `started ${iso(started)}, conversation ${correlationId}`;
  if (deadline) yield `next deadline ${iso(deadline)}`;
  if (lastError) yield `last error (try ${tries}): ${lastError.message}`;
  const begin = new Date(started).getTime();
  for (const { at, kind, text, data } of history) {
    const seconds = ((new Date(at).getTime() - begin) / 1_000).toFixed(3);
    yield `${`+${seconds}`.padStart(10)} s  ${kind.padEnd(8)} ${text}${data === undefined ? '' : ` ${jsonLine(data)}`}`;
  }
}

const iso = (time: Date | string): string => new Date(time).toISOString();

async function retry(saga: string, id: string, options: Asking, invocation: Invocation): Promise<void> {
  const details = await ask(saga, id, 'retry', undefined, options, invocation);
  if (details.state === 'failing' || details.state === 'stuck')
    throw new SagaStillFails(saga, id, details.lastError?.message ?? '');
}

async function cancel(
  saga: string,
  id: string,
  { reason, ...options }: Asking & { reason: string },
  invocation: Invocation,
): Promise<void> {
  if (reason.trim() === '') throw new WrongUse('--reason must say why.');
  await ask(saga, id, 'cancel', { reason }, options, invocation);
}

async function ask(
  saga: string,
  id: string,
  what: 'retry' | 'cancel',
  body: object | undefined,
  { url, json = false }: Asking,
  invocation: Invocation,
): Promise<Told> {
  const { appUrl, askApp } = await import('../contexts/admin-door.js');
  const app = url ?? appUrl(await ownerOf(saga, invocation), invocation);
  const path = `sagas/${encodeURIComponent(saga)}/${encodeURIComponent(id)}/${what}`;
  const details = await askApp<Told>(app, { path, method: 'POST', ...(body && { body }) }, invocation);
  if (json) printLine(invocation.stdout, jsonLine(details));
  else for (const line of told(details)) printLine(invocation.stdout, line);
  return details;
}

async function ownerOf(saga: string, invocation: Invocation): Promise<string> {
  const owner = (await sagasByContext(invocation)).find(({ names }) => names.includes(saga));
  if (!owner) throw await unknown(saga, invocation);
  return owner.context;
}

const unknown = async (saga: string, invocation: Invocation): Promise<UnknownSaga> =>
  new UnknownSaga(
    saga,
    (await sagasByContext(invocation)).flatMap(({ names }) => names),
  );

async function sagasByContext(invocation: Invocation): Promise<{ context: string; names: string[] }[]> {
  const { contextMaps } = await import('../contexts/contexts.js');
  const { declaredSagasOf } = await import('@annals/sagas');
  const maps = await contextMaps(invocation);
  return maps.map(({ name, sagas = [] }) => ({ context: name, names: sagas.flatMap(declaredSagasOf) }));
}

function readStates(text: string): InstanceState[] {
  const given = text.split(',').map((state) => state.trim());
  const wrong = given.filter((state) => !states.some((known) => known === state));
  if (wrong.length > 0) throw new InvalidArgumentError(`There is no state '${wrong[0]}'. Known: ${states.join(', ')}.`);
  return given as InstanceState[];
}

export function readLimit(text: string): number {
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1 || limit > 10_000)
    throw new InvalidArgumentError('It must be a whole number from 1 to 10000.');
  return limit;
}

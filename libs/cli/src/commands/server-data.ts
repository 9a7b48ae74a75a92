/** `annals server check | export | import`: the events of a store, verified and moved. */
import { createReadStream, createWriteStream } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { StoreDamaged } from '../errors.js';
import { printLine, type Invocation } from '../invocation.js';
import { jsonLine } from '../output/json.js';
import { eventStoreDir, parts, partUrl } from '../parts/parts.js';

interface Moving {
  readonly url?: string;
  readonly prefix?: string;
  readonly output?: string;
  readonly json?: boolean;
}

export function addServerData(server: Command, invocation: Invocation): void {
  server
    .command('check')
    .description(
      'verify every event, link and index of a data folder whose server is stopped; exit code 1 when damaged',
    )
    .option('--db <dir>', 'folder of the data (default: that of `annals start`)')
    .option('--json', 'print JSON')
    .action((options: { db?: string; json?: boolean }) => check(options, invocation));
  server
    .command('export')
    .description('write the streams of any EventStoreDB as newline-delimited JSON')
    .option('--url <url>', 'connection string (default: EVENTSTORE_URL, else the local event store)')
    .option('--prefix <text>', 'only streams whose names begin so')
    .option('--output <file>', 'write there instead of to stdout')
    .option('--json', 'print the outcome as JSON on stdout; needs --output')
    .action((options: Moving) => exportAll(options, invocation));
  server
    .command('import [file]')
    .description('append exported streams to any EventStoreDB; repeating an interrupted import is harmless')
    .option('--url <url>', 'connection string (default: EVENTSTORE_URL, else the local event store)')
    .option('--json', 'print the outcome as JSON')
    .addHelpText('after', '\nReads stdin when no file is given.')
    .action((file: string | undefined, options: Moving) => importAll(file, options, invocation));
}

async function check({ db, json = false }: { db?: string; json?: boolean }, invocation: Invocation): Promise<void> {
  const { checkStore } = await import('@annals/server');
  const path = db === undefined ? eventStoreDir(invocation) : resolve(invocation.cwd, db);
  const report = await checkStore(path);
  const { events, streams, bytes, unresolvedLinks, faults } = report;
  if (json) printLine(invocation.stdout, jsonLine({ path, ...report }));
  else {
    for (const fault of faults) printLine(invocation.stdout, fault);
    const links = unresolvedLinks === 0 ? '' : `, ${unresolvedLinks} links to deleted events`;
    printLine(invocation.stdout, `${path}: ${events} events in ${streams} streams, ${bytes} bytes${links}`);
  }
  if (!report.ok) throw new StoreDamaged(path, faults.length);
}

async function exportAll({ url, prefix, output, json = false }: Moving, invocation: Invocation): Promise<void> {
  const { exportStreams } = await import('@annals/server');
  let events = 0;
  const source = exportStreams({
    url: url ?? localUrl(invocation),
    ...(prefix !== undefined && { prefix }),
    onProgress: (progress) => (events = progress.events),
  });
  if (output === undefined) for await (const line of source) printLine(invocation.stdout, line);
  else await pipeline(Readable.from(terminated(source)), createWriteStream(resolve(invocation.cwd, output)));
  if (json && output !== undefined) printLine(invocation.stdout, jsonLine({ events, output }));
  else printLine(invocation.stderr, `${events} events exported`);
}

async function* terminated(lines: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const line of lines) yield `${line}\n`;
}

async function importAll(
  file: string | undefined,
  { url, json = false }: Moving,
  invocation: Invocation,
): Promise<void> {
  const { importStreams } = await import('@annals/server');
  const input: NodeJS.ReadableStream =
    file === undefined ? invocation.stdin : createReadStream(resolve(invocation.cwd, file));
  // An error of the input does not reach whoever reads its lines.
  const broken = new Promise<never>((_, reject) => input.once('error', reject));
  const lines = createInterface({ input, crlfDelay: Infinity });
  const { events } = await Promise.race([importStreams(lines, { url: url ?? localUrl(invocation) }), broken]);
  printLine(invocation.stdout, json ? jsonLine({ events }) : `${events} events imported`);
}

function localUrl(invocation: Invocation): string {
  const eventStore = parts.find(({ urlVariable }) => urlVariable === 'EVENTSTORE_URL');
  if (!eventStore) throw new Error('There is no part with the variable EVENTSTORE_URL.');
  return partUrl(invocation, eventStore);
}

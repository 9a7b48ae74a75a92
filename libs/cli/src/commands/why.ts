/** `annals why`: how something came about, over all contexts, from what is stored. */
import type { Command } from 'commander';
import { printLine, type Invocation } from '../invocation.js';
import { jsonLine } from '../output/json.js';
import { table } from '../output/table.js';
import type { Story } from '../why/story.js';

export function addWhy(program: Command, invocation: Invocation): void {
  program
    .command('why <id>')
    .description(
      'the whole story of a conversation (by its correlation id) or of an aggregate (an order id, for instance)',
    )
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nReads EVENTSTORE_URL, DATABASE_URL and NATS_URL (default: the local parts), whether apps run or not.' +
        '\nExit codes: 0 told, 1 nothing is known of it or the event store is away, 2 wrong use.',
    )
    .action((id: string, options: { json?: boolean }) => why(id, options, invocation));
}

async function why(id: string, { json = false }: { json?: boolean }, invocation: Invocation): Promise<void> {
  // The maps bring the whole of the apps: loaded when needed.
  const { gatherStory } = await import('../why/gather.js');
  const story = await gatherStory(id, invocation);
  const began = story.entries[0]?.at.getTime() ?? 0;
  const msAfter = (at: Date): number => at.getTime() - began;
  if (json) {
    const entries = story.entries.map((entry) => ({ ...entry, ms: msAfter(entry.at) }));
    return printLine(invocation.stdout, jsonLine({ ...story, entries }));
  }
  for (const line of linesOf(story, msAfter)) printLine(invocation.stdout, line);
  for (const gap of story.missing) printLine(invocation.stderr, `Not looked at: ${gap}`);
}

function linesOf({ entries, open, correlationIds }: Story, msAfter: (at: Date) => number): string[] {
  const rows = entries.map(({ at, context, kind, what }) => [timeOf(at), `+${msAfter(at)}`, context, kind, what]);
  return [
    `Correlation id: ${correlationIds.join(', ') || '-'}; began ${entries[0]?.at.toISOString() ?? '-'}`,
    '',
    ...table(['time', '+ms', 'context', 'kind', 'what'], rows),
    '',
    ...(open.length === 0 ? ['Nothing is open.'] : ['Open:', ...open.map((each) => `  ${each}`)]),
  ];
}

const timeOf = (at: Date): string => at.toISOString().slice(11, 23);

/** Proves that a rebuilt pipeline does what is stored of it, and tells apart what it does beyond that. */
import { isDeepStrictEqual } from 'node:util';
import type { ComparableOutput } from './instance-log.js';
import type { PipelineOutput } from './pipeline-run.js';

/** The replayed outputs are not those that are stored. */
export class ReplayMismatch {
  constructor(
    readonly stored: readonly string[],
    readonly replayed: readonly string[],
  ) {}
}

/**
 * What `produced` has after everything that is stored.
 * @returns a mismatch when `stored` is not the beginning of `produced`
 */
export function beyondStored(
  stored: readonly ComparableOutput[],
  produced: readonly PipelineOutput[],
): readonly PipelineOutput[] | ReplayMismatch {
  const fresh: PipelineOutput[] = [];
  let matched = 0;
  for (const output of produced) {
    const compared = comparable(output);
    if (matched >= stored.length) fresh.push(output);
    else if (compared && !isDeepStrictEqual(compared, stored[matched++])) return mismatch(stored, produced);
  }
  return matched < stored.length ? mismatch(stored, produced) : fresh;
}

/** As {@link beyondStored}, for inputs of which all outputs are stored: nothing may come beyond them. */
export function mismatchWith(
  stored: readonly ComparableOutput[],
  produced: readonly PipelineOutput[],
): ReplayMismatch | undefined {
  const beyond = beyondStored(stored, produced);
  if (beyond instanceof ReplayMismatch) return beyond;
  return beyond.some((output) => output.kind !== 'step') ? mismatch(stored, produced) : undefined;
}

export function comparable(output: PipelineOutput): ComparableOutput | undefined {
  switch (output.kind) {
    case 'command': {
      // Through JSON, as the stored one went: prototypes and key order do not count.
      const data = JSON.parse(JSON.stringify(output.command.data)) as unknown;
      return { kind: 'command', type: output.command.type, data };
    }
    case 'deadline-set':
      return { kind: 'deadline-set', number: output.number, due: output.due.toISOString() };
    case 'deadline-cancelled':
      return { kind: 'deadline-cancelled', number: output.number };
    case 'ended':
      return { kind: 'ended', outcome: output.outcome };
    case 'step':
      return undefined;
  }
}

function mismatch(stored: readonly ComparableOutput[], produced: readonly PipelineOutput[]): ReplayMismatch {
  const replayed = produced.map(comparable).filter((output) => output !== undefined);
  return new ReplayMismatch(stored.map(inWords), replayed.map(inWords));
}

function inWords(output: ComparableOutput): string {
  switch (output.kind) {
    case 'command':
      return `${output.type} ${JSON.stringify(output.data)}`;
    case 'deadline-set':
      return `deadline ${output.number} at ${output.due}`;
    case 'deadline-cancelled':
      return `deadline ${output.number} cancelled`;
    case 'ended':
      return `end: ${output.outcome}`;
  }
}

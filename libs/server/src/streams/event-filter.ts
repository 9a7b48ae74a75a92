/** Server-side filters of `$all`: by stream name or event type, by prefixes or a regular expression. */
import { InvalidArgument } from '../errors.js';
import type { EventRecord } from '../storage/event-record.js';

export interface FilterSpec {
  readonly on: 'stream' | 'type';
  readonly prefixes: readonly string[];
  readonly regex: string | undefined;
  /** Events looked at between two possible checkpoints, and how many such windows lie between two checkpoints. */
  readonly window: number;
  readonly interval: number;
}

/** A filter without prefixes and without an expression matches nothing, as in EventStoreDB. */
export class EventFilter {
  private readonly regex: RegExp | undefined;
  private readonly prefixes: readonly Buffer[];

  constructor(readonly spec: FilterSpec) {
    this.prefixes = spec.prefixes.map((prefix) => Buffer.from(prefix, 'utf8'));
    try {
      this.regex = spec.regex === undefined || spec.regex === '' ? undefined : new RegExp(spec.regex, 'u');
    } catch {
      this.regex = lenient(spec.regex ?? '');
    }
  }

  matches(record: EventRecord): boolean {
    const name = this.spec.on === 'stream' ? record.streamBytes : record.typeBytes;
    if (this.regex) return this.regex.test(name.toString('utf8'));
    return this.prefixes.some((prefix) => startsWith(name, prefix));
  }

  /**
   * Whether links of the system streams could match. They are left out of `$all` otherwise, as they are on a server
   * whose projections are not running; asking for them by name is the only way that anybody wants them there.
   */
  get wantsSystemLinks(): boolean {
    if (this.spec.on === 'type') return this.spec.prefixes.some((prefix) => prefix === '$>' || prefix === '$@');
    const wanted = ['$ce-', '$et-', '$bc-', '$category-', '$streams'];
    if (this.regex) return wanted.some((name) => (this.spec.regex ?? '').replaceAll('\\', '').includes(name));
    return this.spec.prefixes.some((prefix) => wanted.some((name) => prefix.startsWith(name)));
  }

  /** Events looked at between two checkpoints. */
  get checkpointEvery(): number {
    return Math.max(1, this.spec.window) * Math.max(1, this.spec.interval);
  }
}

function lenient(pattern: string): RegExp {
  try {
    return new RegExp(pattern);
  } catch (error) {
    throw new InvalidArgument(`The filter '${pattern}' is not a regular expression: ${(error as Error).message}.`, {
      cause: error,
    });
  }
}

const startsWith = (name: Buffer, prefix: Buffer): boolean =>
  name.length >= prefix.length && name.compare(prefix, 0, prefix.length, 0, prefix.length) === 0;

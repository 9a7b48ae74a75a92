/**
 * The strangler's rules as they are now: read from a file, and again when the file changes, without a restart. Rules that
 * cannot be read change nothing: the last good ones hold, and what is wrong is said.
 */
import { unwatchFile, watchFile } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Log } from '@annals/core';
import { InvalidRules } from '../gateway.errors.js';
import { parseRules, type Rules } from './rules.js';

/** Asked rather than told: a file that is replaced, or mounted anew, is noticed too. */
const lookEveryMs = 500;

export interface RuleBookOptions {
  /** Undefined: there are no rules, and every route is its target's. */
  readonly file: string | undefined;
  /** Paths of the routes that have a legacy side. */
  readonly routes: readonly string[];
  readonly log: Log;
}

export class RuleBook {
  /** What holds; the same object as long as nothing changes. */
  rules: Rules = {};
  private stop: () => void = () => undefined;

  constructor(private readonly options: RuleBookOptions) {}

  /** Reads the rules and follows the file. @throws InvalidRules when there are none to begin with */
  async open(): Promise<void> {
    const { file } = this.options;
    if (file === undefined) return;
    await this.reload();
    const changed = () => void this.reload().catch((error: unknown) => this.report(error));
    watchFile(file, { interval: lookEveryMs, persistent: false }, changed);
    this.stop = () => unwatchFile(file, changed);
  }

  /** @throws InvalidRules; the rules stay as they were */
  async reload(): Promise<void> {
    const { file, routes, log } = this.options;
    if (file === undefined) return;
    const { rules, problems } = parseRules(await read(file), routes);
    if (problems.length > 0) throw new InvalidRules(file, problems);
    this.rules = rules;
    log.info(`The strangler goes by the rules of ${file}.`, { rules });
  }

  close(): void {
    this.stop();
  }

  private report(error: unknown): void {
    this.options.log.error('The strangler goes on by the last good rules.', { error });
  }
}

async function read(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new InvalidRules(file, [error instanceof Error ? error.message : String(error)]);
  }
}

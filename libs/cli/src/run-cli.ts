/** Runs one command and says how it ended. */
import { isCodedError } from '@annals/core';
import { CommanderError } from 'commander';
import { Interrupted, WrongUse } from './errors.js';
import { printLine, type Invocation } from './invocation.js';
import { exitCodeOf } from './processes/foreground.js';
import { buildProgram } from './program.js';

const done = 0;
const failed = 1;
const wrongUse = 2;

/** @param args without the program's name @returns the exit code: 0 done, 1 failed, 2 wrong use, 128 + signal interrupted */
export async function runCli(args: readonly string[], invocation: Invocation): Promise<number> {
  try {
    await buildProgram(invocation).parseAsync(args, { from: 'user' });
    return done;
  } catch (error) {
    // commander has told its own errors already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? done : wrongUse;
    printLine(invocation.stderr, explain(error, Boolean(invocation.env['DEBUG'])));
    if (error instanceof Interrupted) return exitCodeOf(error.signal);
    return error instanceof WrongUse ? wrongUse : failed;
  }
}

/** A coded error says what to do; where it was thrown is for those who ask. Anything else is a mistake of ours. */
function explain(error: unknown, debug: boolean): string {
  if (!(error instanceof Error)) return `annals: ${String(error)}`;
  // Errors of the event store's client are told apart by their class; many have no text.
  const message = error.message || error.name;
  const text = isCodedError(error) ? `annals: ${message} [${error.code}]` : `annals: ${message}`;
  return debug ? `${text}\n${error.stack ?? ''}` : text;
}

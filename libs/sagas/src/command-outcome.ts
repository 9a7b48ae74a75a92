/** What became of an issued command, as an input to the saga that issued it. */
import { Event, type DomainCommand, type ErrorKind } from '@annals/core';

export interface OutcomeOfCommand {
  /** Number of the command among all that the instance issued, from 0. */
  readonly number: number;
  readonly command: { readonly type: string; readonly data: unknown };
}

/**
 * A command was refused: by a business rule, or because every try failed for another reason. Listen to it with
 * `events$.pipe(ofType(CommandRejected))`.
 */
export class CommandRejected extends Event('CommandRejected')<
  OutcomeOfCommand & {
    readonly error: { readonly code: string; readonly kind: ErrorKind; readonly message: string };
    /** How often it was tried. */
    readonly tries: number;
    /** The command was certainly not carried out; false when tries failed in a way that leaves it open. */
    readonly certain: boolean;
  }
> {}

/** A command issued by {@link withOutcome} was carried out, or, when it is for another context, handed over for good. */
export class CommandAccepted extends Event('CommandAccepted')<OutcomeOfCommand> {}

/** Somebody asked for the instance to be cancelled. */
export class CancelRequested extends Event('SagaCancelRequested')<{ readonly reason: string }> {}

const wanted = new WeakSet<object>();

/** Asks to be told by {@link CommandAccepted} when the command was carried out; rejections are told of in any case. */
export function withOutcome<C extends DomainCommand>(command: C): C {
  wanted.add(command);
  return command;
}

export const wantsOutcome = (command: object): boolean => wanted.has(command);

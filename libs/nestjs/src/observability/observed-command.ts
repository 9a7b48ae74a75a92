/** What is told of each command: a span, how long it took and how it ended. Never its data. */
import { currentContext, durationHistogram, inSpan, isCodedError, timed, type DomainCommand } from '@annals/core';

const durations = durationHistogram('annals.command.duration', 'How long commands took, by type and outcome.');

/** `ok`, `rejected` (or another kind of a coded error), `failed`. */
const outcomeOf = (failure?: { readonly error: unknown }): string => {
  if (!failure) return 'ok';
  return isCodedError(failure.error) ? failure.error.kind : 'failed';
};

export const observedCommand = <Result>(
  context: string,
  { type, metadata }: DomainCommand,
  carryOut: () => Promise<Result>,
): Promise<Result> =>
  timed(
    durations,
    (failure) => ({ context, command: type, outcome: outcomeOf(failure) }),
    () =>
      inSpan(
        `command ${type}`,
        {
          attributes: () => ({
            'annals.context': context,
            'annals.command.type': type,
            'annals.command.id': metadata.id,
            'annals.correlation_id': metadata.correlationId ?? currentContext()?.correlationId,
          }),
        },
        carryOut,
      ),
  );

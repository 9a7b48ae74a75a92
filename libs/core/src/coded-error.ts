/**
 * What an error means to whoever asked, independent of any transport:
 * `invalid` the request itself is wrong; `rejected` a business rule says no; `conflict` somebody else was faster;
 * `precondition` the caller pinned a revision that no longer holds; `unavailable` try again later; `internal` a bug.
 */
export type ErrorKind =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'not-found'
  | 'conflict'
  | 'precondition'
  | 'rejected'
  | 'unprocessable'
  | 'unavailable'
  | 'internal';

/**
 * An error with a stable `code` that programs and people may rely on. The message says what happened and what to do
 * about it; everything a program may need stands in fields of the subclass. All codes are listed in `docs/errors.md`.
 */
export abstract class CodedError extends Error {
  abstract readonly code: string;
  readonly kind: ErrorKind = 'internal';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** A business rule of a decider said no. Throw subclasses of it from `decide`: the command is rejected, nothing is appended. */
export abstract class DomainError extends CodedError {
  override readonly kind: ErrorKind = 'rejected';
}

/** Whether `error` is a {@link CodedError}, also when it was made by another copy of this package. */
export const isCodedError = (error: unknown): error is CodedError =>
  error instanceof Error && typeof (error as { code?: unknown }).code === 'string' && 'kind' in error;

/** Messages that a context could not deal with: kept with the error until somebody replays or drops them. */

export interface NewDeadLetter {
  /** The context that could not deal with it. */
  readonly context: string;
  readonly inlet: string;
  /** {@link Delivery.place} of the message. */
  readonly place: string;
  /** The message as it came. */
  readonly body: string;
  readonly error: { readonly code: string; readonly message: string };
  /** How often it was tried. */
  readonly tries: number;
  /** When it was given up, as RFC 3339 text. */
  readonly failedAt: string;
}

export interface DeadLetter extends NewDeadLetter {
  readonly id: string;
  /** What of the envelope could be read. */
  readonly message: { readonly id?: string; readonly type?: string; readonly subject?: string };
}

export interface DeadLetters {
  /** The oldest first. @param options.limit at most that many; default 100 @throws MessagingUnavailable */
  list(options?: { readonly context?: string; readonly limit?: number }): Promise<DeadLetter[]>;
  /** How many of a context wait. @throws MessagingUnavailable */
  count(context: string): Promise<number>;
  /** @throws NoSuchDeadLetter, MessagingUnavailable */
  show(id: string): Promise<DeadLetter>;
  /**
   * Gives the message once more to the context that failed, and to no other; its id stays the same.
   * @throws NoSuchDeadLetter, DeadLetterNotReplayable, MessagingUnavailable
   */
  replay(id: string): Promise<void>;
  /** Forgets it for good. @throws NoSuchDeadLetter, MessagingUnavailable */
  drop(id: string): Promise<void>;
}

/** What can be read of a message's envelope, for lists. */
export function peek(body: string): DeadLetter['message'] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return {};
  }
  const { id, type, subject } = (parsed ?? {}) as Record<string, unknown>;
  return {
    ...(typeof id === 'string' && { id }),
    ...(typeof type === 'string' && { type }),
    ...(typeof subject === 'string' && { subject }),
  };
}

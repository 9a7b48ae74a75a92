/** The story of a conversation: everything that is stored about it, over all contexts, on one line of time. */

export type EntryKind = 'command' | 'event' | 'message' | 'saga' | 'parked' | 'dead letter';

export interface Entry {
  readonly at: Date;
  readonly context: string;
  readonly kind: EntryKind;
  readonly what: string;
  /** The stream that it is stored in, where it is an event. */
  readonly stream?: string;
  /** The id of the event, command or message. */
  readonly id?: string;
}

/** What a source has to tell. */
export interface Chapter {
  readonly entries: readonly Entry[];
  /** What needs somebody, or has not come to its end, each with what to do about it. */
  readonly open: readonly string[];
}

export interface Story extends Chapter {
  /** What was asked about. */
  readonly about: string;
  readonly correlationIds: readonly string[];
  /** What could not be looked at, and why: the story may lack something. */
  readonly missing: readonly string[];
}

/** Several chapters as one, in the order of time; what has the same time keeps its order. */
export function joined(chapters: readonly Chapter[]): Chapter {
  const entries = chapters.flatMap((chapter) => chapter.entries);
  return {
    entries: [...entries].sort((one, other) => one.at.getTime() - other.at.getTime()),
    open: chapters.flatMap(({ open }) => open),
  };
}

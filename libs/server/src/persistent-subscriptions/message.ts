import type { ResolvedEvent } from '../streams/read.js';

/** An event on its way through a group. */
export interface Message {
  /** What a consumer acknowledges it by: the id of the link when links are resolved. */
  readonly id: string;
  readonly resolved: ResolvedEvent;
  /** Revision or position in the source; -1 for a parked message that is replayed. */
  readonly sequence: number;
  /** For a replayed message: its revision in the parked stream. */
  readonly parkedRevision: number | undefined;
  retries: number;
}

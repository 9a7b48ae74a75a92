/** Any class of events with a written-out type: made with `Event('…')`, or a contract of another context. */
export interface MessageClass<E = unknown> {
  new (...args: never[]): E;
  readonly type: string;
}

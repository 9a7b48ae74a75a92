/** Keeps how far a consumer has come, for consumers whose effects are idempotent rather than transactional. */
export interface CheckpointStore {
  /** The position saved last; `beginning` when there is none. */
  load(name: string): Promise<bigint>;
  save(name: string, position: bigint): Promise<void>;
}

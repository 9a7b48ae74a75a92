/** Rows known to be as they are in the table, bounded in number; null: known to be absent. */
import type { Row } from './row-shape.js';

/**
 * Least recently used, in two generations: rows live in `young`; when it is full it becomes `old`, and what was in `old`
 * and not asked for since is forgotten. So that a look-up costs two map reads at most and never moves a list.
 */
export class RowCache {
  private young = new Map<string, Row | null>();
  private old = new Map<string, Row | null>();
  private forgotten = false;

  /** @param capacity of a generation; at most twice as many rows are held @param complete whether all rows of the table are in it (an empty table) */
  constructor(
    private readonly capacity: number,
    private readonly complete: boolean,
  ) {}

  /** undefined: not known. */
  get(id: string): Row | null | undefined {
    const young = this.young.get(id);
    if (young !== undefined) return young;
    const old = this.old.get(id);
    if (old !== undefined) {
      this.old.delete(id);
      this.set(id, old);
      return old;
    }
    return this.complete && !this.forgotten ? null : undefined;
  }

  /** Rows may have been changed behind its back. */
  forget(): void {
    this.young = new Map();
    this.old = new Map();
    this.forgotten = true;
  }

  set(id: string, row: Row | null): void {
    if (this.young.size >= this.capacity && !this.young.has(id)) {
      this.forgotten ||= this.old.size > 0;
      this.old = this.young;
      this.young = new Map();
    }
    this.old.delete(id);
    this.young.set(id, row);
  }
}

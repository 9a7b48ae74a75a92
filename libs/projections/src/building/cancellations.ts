/**
 * Cancels the rebuilds of a read model by its name, whichever process runs them: those of this process by their signal,
 * those of others by a notification. Who hears nothing at that moment goes on: ask again.
 */
import type pg from 'pg';

/** Channel on which it is told: the name of the read model. */
export const cancelChannel = 'annals_cancel_rebuild';

export const announceCancellation = async (pool: pg.Pool, name: string): Promise<void> => {
  await pool.query('select pg_notify($1, $2)', [cancelChannel, name]);
};

export class Cancellations {
  private readonly current = new Map<string, AbortController>();

  /** Aborted by the next {@link cancel}. */
  signalFor(name: string): AbortSignal {
    const controller = this.current.get(name) ?? new AbortController();
    this.current.set(name, controller);
    return controller.signal;
  }

  /** What begins after this is not cancelled. */
  cancel(name: string): void {
    this.current.get(name)?.abort();
    this.current.delete(name);
  }
}

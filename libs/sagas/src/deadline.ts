/** `deadline`: the durable counterpart of RxJS's `timer`. */
import { Observable } from 'rxjs';
import { currentDelivery } from './delivery.js';
import { InvalidDuration } from './errors.js';
import { durationMs, type Duration } from './duration.js';

/**
 * Emits once, at its time, and completes: also when the process was restarted meanwhile. It is set when it is
 * subscribed to and cancelled when it is unsubscribed from, so `switchMap`, `takeUntil`, `merge` and the like treat it
 * as any other observable. Only within a `@DurableSaga`, while an event is being delivered.
 *
 * @param at a duration from the time when the input being delivered was received, or a point in time; one that has
 * passed already fires at once
 * @throws InvalidDuration
 * @returns emits its due time
 */
export function deadline(at: Duration | Date): Observable<Date> {
  const afterMs = typeof at === 'string' ? durationMs(at) : undefined;
  if (at instanceof Date && Number.isNaN(at.getTime())) throw new InvalidDuration(String(at));
  return new Observable<Date>((subscriber) => {
    const delivery = currentDelivery('set a deadline');
    const due = afterMs === undefined ? new Date(at) : new Date(delivery.now.getTime() + afterMs);
    return delivery.openDeadline(due, () => {
      subscriber.next(due);
      subscriber.complete();
    });
  });
}

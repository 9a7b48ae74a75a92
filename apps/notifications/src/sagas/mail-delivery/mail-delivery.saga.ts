/**
 * Sends a mail until it is sent or given up. One instance per mail; its waits are durable, so a mail server that is away
 * for a day costs nothing but a line per try, and a restart forgets none.
 */
import { CommandRejected, deadline, DurableSaga, type Duration } from '@annals/sagas';
import { Injectable } from '@nestjs/common';
import { filter, map, merge, of, switchMap, take, takeUntil, type Observable } from 'rxjs';
import { SendMail } from '../../domain/correspondence/correspondence.commands.js';
import {
  MailDeferred,
  MailGivenUp,
  MailRequested,
  MailSent,
  type MailEvent,
} from '../../domain/correspondence/correspondence.events.js';

const firstWaitS = 2;
const longestWaitS = 3_600;

@Injectable()
export class MailDelivery {
  @DurableSaga<MailEvent>({
    name: 'mail-delivery',
    correlateBy: ({ data: { orderId, kind } }) => `${orderId}.${kind}`,
    on: [MailRequested, MailDeferred, MailSent, MailGivenUp],
  })
  readonly deliver = (events$: Observable<MailEvent | CommandRejected>) =>
    (events$ as Observable<MailRequested>).pipe(
      take(1),
      switchMap(({ data: { orderId, kind } }) => {
        const send = () => new SendMail({ orderId, kind });
        const again$ = events$.pipe(
          switchMap((event) => deadline(waitAfter(event)).pipe(map(send))),
          takeUntil(events$.pipe(filter(({ type }) => type === 'MailSent' || type === 'MailGivenUp'))),
        );
        return merge(again$, of(send()));
      }),
    );
}

/** Twice as long after each deferral. A command that could not be carried out at all is no deferral: our own store was away. */
function waitAfter(event: MailEvent | CommandRejected): Duration {
  const attempt = event.type === 'MailDeferred' ? event.data.attempt : 5;
  return `PT${Math.min(longestWaitS, firstWaitS * 2 ** (attempt - 1))}S`;
}

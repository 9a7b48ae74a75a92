import { Command } from '@annals/core';
import type { Kind, Subject } from './correspondence.events.js';

export class NoteRecipient extends Command('NoteRecipient')<{ orderId: string; customerId: string; email: string }> {}
export class RequestMail extends Command('RequestMail')<{ orderId: string; subject: Subject }> {}
/** Send what is requested; handled in `application/`, which talks to the mail server. */
export class SendMail extends Command('SendMail')<{ orderId: string; kind: Kind }> {}

/** What the mail server has said. */
export class RecordSent extends Command('RecordSent')<{ orderId: string; kind: Kind; messageId: string }> {}
export class RecordDeferral extends Command('RecordDeferral')<{ orderId: string; kind: Kind; reason: string }> {}
export class RecordRefusal extends Command('RecordRefusal')<{ orderId: string; kind: Kind; reason: string }> {}

export type CorrespondenceCommand = NoteRecipient | RequestMail | RecordSent | RecordDeferral | RecordRefusal;

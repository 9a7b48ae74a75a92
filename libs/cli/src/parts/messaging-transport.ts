/**
 * What carries messages between the contexts: what the environment says; else what `annals start` or `annals infra` found
 * when it ran last, because it falls back to the event store where no nats-server can be had; else NATS.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { WrongUse } from '../errors.js';
import type { Invocation } from '../invocation.js';
import { runtimeDir } from '../workspace.js';

export type MessagingTransport = 'nats' | 'eventstore';

const isTransport = (text: string): text is MessagingTransport => text === 'nats' || text === 'eventstore';

/** What the user chose. @throws WrongUse */
export function chosenTransport({ env }: Invocation): MessagingTransport | undefined {
  const chosen = env['MESSAGING_TRANSPORT'];
  if (chosen === undefined || chosen === '') return undefined;
  if (!isTransport(chosen)) throw new WrongUse(`MESSAGING_TRANSPORT=${chosen} is neither 'nats' nor 'eventstore'.`);
  return chosen;
}

const noteOf = (invocation: Invocation): string => join(runtimeDir(invocation), 'messaging-transport');

/** @throws WrongUse */
export function messagingTransport(invocation: Invocation): MessagingTransport {
  const chosen = chosenTransport(invocation);
  if (chosen) return chosen;
  if (invocation.env['NATS_URL']) return 'nats';
  const noted = readNote(invocation);
  return noted !== undefined && isTransport(noted) ? noted : 'nats';
}

/** For commands that are called beside the running shop. */
export function noteTransport(transport: MessagingTransport, invocation: Invocation): void {
  mkdirSync(runtimeDir(invocation), { recursive: true });
  writeFileSync(noteOf(invocation), transport);
}

function readNote(invocation: Invocation): string | undefined {
  try {
    return readFileSync(noteOf(invocation), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

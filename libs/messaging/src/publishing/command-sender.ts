/** Sends commands to the contexts that own them: accepted means stored, not carried out. */
import type { DomainCommand } from '@annals/core';
import { parseContractType } from '../contracts/contract-type.js';
import type { Transport } from '../transport/transport.js';
import { publishObserved } from '../observed-messages.js';
import { commandEnvelope } from './envelopes.js';

export interface CommandSender {
  /**
   * Returns when the transport has stored the command; the same command id is accepted once.
   * @returns the command's id
   * @throws InvalidContractData, UnknownContract, MessagingUnavailable
   */
  send(command: DomainCommand): Promise<string>;
}

/** @param options.context the sender */
export const commandSender = ({
  context,
  transport,
}: {
  readonly context: string;
  readonly transport: Pick<Transport, 'publish'>;
}): CommandSender => ({
  async send(command) {
    const message = commandEnvelope(context, command);
    const destination = { kind: 'commands', context: parseContractType(command.type).context } as const;
    await publishObserved(transport, destination, message);
    return message.id;
  },
});

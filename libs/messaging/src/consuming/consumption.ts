/** Entries of the map's `consumes`: what a context does when a message of a contract arrives. */
import { deterministicId, withMetadata, type DomainCommand, type DomainEvent } from '@annals/core';
import type { AnyContractClass, Contract } from '../contracts/contract.js';
import type { MessageHandler, ReceivedMessage } from './received-message.js';

/** The commands that a message leads to. */
export type Consumed = DomainCommand | readonly DomainCommand[] | undefined;

export interface Consumption {
  readonly contract: Contract;
  /** @param nth which of the context's consumptions of this contract it is, from 0: their commands must not share ids */
  commands(message: ReceivedMessage, nth: number): readonly DomainCommand[];
}

/**
 * Turns a message into commands. A command gets the message's id as its own (several: ids derived from it), so that a
 * message that is delivered twice has its effect once (G3).
 */
export function consume<Message extends DomainEvent>(
  contract: AnyContractClass<Message>,
  map: (event: Message, message: ReceivedMessage<Message>) => Consumed,
): Consumption {
  return {
    contract: contract.contract,
    commands(message, nth) {
      const consumed = map(message.event as Message, message as ReceivedMessage<Message>);
      if (consumed === undefined) return [];
      const commands = Array.isArray(consumed) ? (consumed as readonly DomainCommand[]) : [consumed as DomainCommand];
      const alone = nth === 0 && commands.length === 1;
      return commands.map((command, index) =>
        caused(command, message, alone ? message.id : deterministicId('command', message.id, nth, index)),
      );
    },
  };
}

/** The handler of a consumption, given what carries out commands (the command bus). Commands run one after the other. */
export const consumptionHandler =
  (consumption: Consumption, execute: (command: DomainCommand) => Promise<unknown>, nth = 0): MessageHandler =>
  async (message) => {
    for (const command of consumption.commands(message, nth)) await execute(command);
  };

const caused = (command: DomainCommand, message: ReceivedMessage, id: string): DomainCommand =>
  withMetadata(command, {
    id: command.metadata.id ?? id,
    correlationId: message.correlationId,
    causationId: message.id,
    ...(message.actor !== undefined && { actor: message.actor }),
  });

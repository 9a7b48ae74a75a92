/** Puts messages into envelopes: checks them against their contract and gives them their identity. */
import {
  assertJson,
  currentContext,
  currentTraceparent,
  deterministicId,
  type DomainCommand,
  type DomainEvent,
} from '@annals/core';
import type { RecordedEvent } from '@annals/event-store';
import { randomUUID } from 'node:crypto';
import { contractOf, type Contract } from '../contracts/contract.js';
import { validateData } from '../contracts/validation.js';
import { isWellFormed, type CloudEvent } from '../envelope/cloud-event.js';
import { ForeignContract, InvalidSubject, UnknownContract, WrongContractKind } from '../errors.js';
import type { Publication } from './publication.js';

const frame = { specversion: '1.0', datacontenttype: 'application/json' } as const;
const maxSubjectLength = 200;

/**
 * The messages that `publications` make of an event. Ids depend on the event alone, so a repetition gives the same.
 * @throws InvalidContractData, ForeignContract, UnknownContract, WrongContractKind, NotJson, InvalidSubject
 */
export function eventEnvelopes(
  context: string,
  publications: readonly Publication[],
  { event, at }: RecordedEvent,
): CloudEvent[] {
  const perType = new Map<string, number>();
  return publications
    .flatMap((publication) => publication.messages(event, at))
    .map((message): CloudEvent => {
      const contract = contractFor(message, 'event', `The context '${context}'`);
      if (contract.context !== context) throw new ForeignContract(message.type, context, 'publish');
      const nth = perType.get(message.type) ?? 0;
      perType.set(message.type, nth + 1);
      return {
        ...frame,
        id: deterministicId('integration-event', at.id, message.type, nth),
        source: context,
        ...addressed(contract, message.data),
        time: at.created.toISOString(),
        correlationid: at.correlationId,
        causationid: at.id,
        ...(at.actor !== undefined && { actor: at.actor }),
        ...(at.traceparent !== undefined && { traceparent: at.traceparent }),
      };
    });
}

/**
 * A command on its way to the context that owns it. Without an id of its own it gets a new one; without a conversation,
 * the one that the running code belongs to.
 * @throws InvalidContractData, UnknownContract, WrongContractKind, NotJson, InvalidSubject
 */
export function commandEnvelope(context: string, command: DomainCommand): CloudEvent {
  const contract = contractFor(command, 'command', `The context '${context}'`);
  const { metadata } = command;
  const id = metadata.id ?? randomUUID();
  const conversation = currentContext();
  const actor = metadata.actor ?? conversation?.actor;
  const traceparent = currentTraceparent();
  return {
    ...frame,
    id,
    source: context,
    ...addressed(contract, command.data),
    time: new Date().toISOString(),
    correlationid: metadata.correlationId ?? conversation?.correlationId ?? id,
    causationid: metadata.causationId ?? conversation?.causationId ?? id,
    ...(actor !== undefined && { actor }),
    ...(traceparent !== undefined && { traceparent }),
  };
}

function contractFor({ type }: DomainEvent, wanted: Contract['kind'], usedBy: string): Contract {
  const contract = contractOf(type);
  if (!contract) throw new UnknownContract(type, usedBy);
  if (contract.kind !== wanted) throw new WrongContractKind(type, wanted);
  return contract;
}

function addressed(contract: Contract, data: unknown): Pick<CloudEvent, 'type' | 'subject' | 'data'> {
  assertJson(data, `${contract.type}.data`);
  const valid = validateData(contract, data);
  const subject: unknown = contract.subject(valid);
  if (typeof subject !== 'string' || subject === '' || subject.length > maxSubjectLength || !isWellFormed(subject))
    throw new InvalidSubject(String(subject));
  return { type: contract.type, subject, data: valid };
}

export { asyncApi, type AsyncApiDocument, type AsyncApiOptions, type MessagingContext } from './asyncapi/async-api.js';
export { contractChanges, type CompatibilityOptions, type ContractChange } from './asyncapi/compatibility.js';
export { jsonSchema, type JsonSchema } from './asyncapi/json-schema.js';
export { IntegrationCommand, IntegrationEvent, contractOf, declaredContracts } from './contracts/contract.js';
export type {
  AnyContractClass,
  Contract,
  ContractOptions,
  IntegrationCommandClass,
  IntegrationEventClass,
} from './contracts/contract.js';
export { isContextName, parseContractType, type ContractType } from './contracts/contract-type.js';
export { Nested, NestedArray } from './contracts/nested.js';
export { validateData, type DataClass, type UnknownProperties } from './contracts/validation.js';
export { parseCloudEvent, type CloudEvent } from './envelope/cloud-event.js';
export {
  DeadLetterNotReplayable,
  DuplicateContract,
  ForeignContract,
  HandlerFailed,
  InvalidContextName,
  InvalidContractData,
  InvalidContractType,
  InvalidEnvelope,
  InvalidMessagingSettings,
  InvalidSubject,
  MessageTooLarge,
  MessagingUnavailable,
  NoSuchDeadLetter,
  RequestPatternNotSupported,
  UnknownContract,
  WrongContractKind,
} from './errors.js';
export { createInbox, firstDelivery, pruneInbox, type SqlClient } from './inbox.js';
export {
  IntegrationContext,
  IntegrationServer,
  integrationTransport,
  type IntegrationServerOptions,
  type Leases,
} from './integration-server.js';
export { consume, consumptionHandler, type Consumed, type Consumption } from './consuming/consumption.js';
export type { MessageHandler, ReceivedMessage } from './consuming/received-message.js';
export { defaultRetryPolicy, type RetryPolicy } from './consuming/receiver.js';
export { OriginalErrors } from './original-errors.js';
export { commandSender, type CommandSender } from './publishing/command-sender.js';
export { eventEnvelopes } from './publishing/envelopes.js';
export { publish, type Publication, type Published } from './publishing/publication.js';
export {
  publishEvent,
  publisher,
  type PublicationParking,
  type Publisher,
  type PublisherOptions,
  type Publishing,
} from './publishing/publisher.js';
export { EventStoreTransport, type EventStoreTransportOptions } from './eventstore/event-store-transport.js';
export { NatsTransport, type NatsTransportOptions } from './nats/nats-transport.js';
export { natsSettings, type NatsSettings } from './nats/settings.js';
export type { NatsLimits } from './nats/topology.js';
export type { DeadLetter, DeadLetters, NewDeadLetter } from './transport/dead-letters.js';
export type {
  Delivery,
  Destination,
  Difference,
  Inlet,
  InletStatus,
  Receive,
  RunningInlet,
  Transport,
  TransportStatus,
} from './transport/transport.js';

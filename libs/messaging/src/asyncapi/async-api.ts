/**
 * The published language as an AsyncAPI 3.0 document: every contract with its schema and example, who sends it and who
 * receives it. Source: https://www.asyncapi.com/docs/reference/specification/v3.0.0
 */
import { declaredContracts, type Contract } from '../contracts/contract.js';
import { jsonSchema, type JsonSchema } from './json-schema.js';

/** What a context's map says about messages; contracts by their types. */
export interface MessagingContext {
  readonly name: string;
  /** Events that it publishes. Default: all declared ones that are its own by their names. */
  readonly publishes?: readonly string[];
  /** Events and commands that it handles. */
  readonly consumes: readonly string[];
  /** Commands that it sends to others, where that is known. */
  readonly sends?: readonly string[];
}

interface Reference {
  readonly $ref: string;
}

export interface AsyncApiDocument {
  readonly asyncapi: '3.0.0';
  readonly info: { readonly title: string; readonly version: string; readonly description?: string };
  readonly defaultContentType: string;
  readonly channels: Readonly<Record<string, object>>;
  readonly operations: Readonly<
    Record<string, { readonly action: 'send' | 'receive'; readonly channel: Reference; readonly summary: string }>
  >;
  readonly components: {
    readonly messages: Readonly<Record<string, object>>;
    /** The data of each contract, by type. */
    readonly schemas: Readonly<Record<string, JsonSchema>>;
  };
}

export interface AsyncApiOptions {
  readonly title: string;
  readonly version: string;
  readonly contexts: readonly MessagingContext[];
  /** Default: all that are loaded. */
  readonly contracts?: readonly Contract[];
}

/** The same input gives the same document, in the same order. */
export function asyncApi({
  title,
  version,
  contexts,
  contracts = declaredContracts(),
}: AsyncApiOptions): AsyncApiDocument {
  const each = <Value>(value: (contract: Contract) => Value): Record<string, Value> =>
    Object.fromEntries(contracts.map((contract) => [contract.type, value(contract)]));
  return {
    asyncapi: '3.0.0',
    info: {
      title,
      version,
      description:
        'Integration events and commands between the bounded contexts, as CloudEvents 1.0 in structured JSON mode.',
    },
    defaultContentType: 'application/cloudevents+json',
    channels: each(channel),
    operations: operations(contexts, contracts),
    components: { messages: each(message), schemas: each(({ dataClass }) => jsonSchema(dataClass)) },
  };
}

const channel = ({ kind, type, context, name, version, description }: Contract): object => ({
  address: `${kind === 'event' ? 'events' : 'commands'}.${context}.${name}.v${version}.{subject}`,
  ...(description !== undefined && { description }),
  parameters: { subject: { description: 'The aggregate, percent-encoded; messages with the same one come in order.' } },
  messages: { [type]: { $ref: `#/components/messages/${type}` } },
});

const message = (contract: Contract): object => {
  const { kind, type, context, description, dataClass, example } = contract;
  return {
    name: type,
    title: `${kind === 'event' ? 'Event' : 'Command'} of ${context}`,
    ...(description !== undefined && { summary: description }),
    contentType: 'application/cloudevents+json',
    correlationId: { location: '$message.payload#/correlationid' },
    payload: {
      type: 'object',
      required: [
        ...['specversion', 'id', 'source', 'type', 'subject', 'time', 'datacontenttype', 'data'],
        ...['correlationid', 'causationid'],
      ],
      properties: {
        specversion: { const: '1.0' },
        id: { type: 'string', minLength: 1 },
        source: { type: 'string', minLength: 1 },
        type: { const: type },
        subject: { type: 'string', minLength: 1 },
        time: { type: 'string', format: 'date-time' },
        datacontenttype: { const: 'application/json' },
        correlationid: { type: 'string', minLength: 1 },
        causationid: { type: 'string', minLength: 1 },
        actor: { type: 'string' },
        data: { $ref: `#/components/schemas/${type}` },
      },
    },
    examples: [{ name: dataClass.name, payload: { type, subject: contract.subject(example), data: example } }],
  };
};

function operations(
  contexts: readonly MessagingContext[],
  contracts: readonly Contract[],
): AsyncApiDocument['operations'] {
  const found: [string, AsyncApiDocument['operations'][string]][] = [];
  for (const { name, consumes, sends = [], publishes } of contexts) {
    const own = contracts.filter(({ context, kind }) => context === name && kind === 'event').map(({ type }) => type);
    const add = (action: 'send' | 'receive', verb: string, types: readonly string[]) => {
      for (const type of [...new Set(types)].sort())
        found.push([
          `${name}.${verb}.${type}`,
          { action, channel: { $ref: `#/channels/${type}` }, summary: `${name} ${verb} ${type}` },
        ]);
    };
    add('send', 'publishes', publishes ?? own);
    add('send', 'sends', sends);
    add('receive', 'consumes', consumes);
  }
  return Object.fromEntries(found.sort(([one], [other]) => (one < other ? -1 : 1)));
}

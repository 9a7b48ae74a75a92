/**
 * The envelope of every message between contexts: CloudEvents 1.0 in structured JSON mode, with two extension
 * attributes for the conversation and the cause (CloudEvents allows small letters and digits only in their names), and
 * CloudEvents' own extension for traces.
 * Sources: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md and …/extensions/distributed-tracing.md
 */
import { InvalidEnvelope } from '../errors.js';

export const cloudEventsContentType = 'application/cloudevents+json; charset=utf-8';

export interface CloudEvent<Data = unknown> {
  readonly specversion: '1.0';
  /** With `source`, the identity of the message: a repeated delivery has the same. */
  readonly id: string;
  /** The bounded context that sent it. */
  readonly source: string;
  /** The contract: `<context>.<name>.v<version>`. */
  readonly type: string;
  /** The aggregate that it is about. */
  readonly subject: string;
  /** When it happened, as RFC 3339 text. */
  readonly time: string;
  readonly datacontenttype: 'application/json';
  readonly data: Data;
  readonly correlationid: string;
  /** The id of the message that caused this one. */
  readonly causationid: string;
  /** Who asked, where that is known. */
  readonly actor?: string;
  /** The trace that it belongs to (W3C); what cannot be read as one is left out of account. */
  readonly traceparent?: string;
}

const texts = ['id', 'source', 'type', 'subject', 'time', 'correlationid', 'causationid'] as const;

/** @throws InvalidEnvelope listing everything that is wrong */
export function parseCloudEvent(body: string): CloudEvent {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch (cause) {
    throw new InvalidEnvelope(['it is not JSON'], { cause });
  }
  if (typeof parsed !== 'object' || parsed === null) throw new InvalidEnvelope(['it is not a JSON object']);
  const candidate = parsed as Record<string, unknown>;
  const problems = texts
    .filter((name) => typeof candidate[name] !== 'string' || candidate[name] === '')
    .map((name) => `'${name}' is missing or not a text`);
  if (candidate['specversion'] !== '1.0') problems.unshift(`'specversion' is not '1.0'`);
  if (typeof candidate['time'] === 'string' && Number.isNaN(Date.parse(candidate['time'])))
    problems.push(`'time' is not an RFC 3339 time`);
  if (!('data' in candidate)) problems.push(`'data' is missing`);
  if (candidate['actor'] !== undefined && typeof candidate['actor'] !== 'string')
    problems.push(`'actor' is not a text`);
  if (problems.length > 0) throw new InvalidEnvelope(problems);
  return candidate as unknown as CloudEvent;
}

/** Whether a text has no half of a surrogate pair, which UTF-8 cannot carry. */
export const isWellFormed = (text: string): boolean => !/\p{Surrogate}/u.test(text);

/** Parses the events of an append: on the way of every write, so each byte is looked at once and little is allocated. */
import { InvalidArgument } from '../errors.js';
import { NO_BYTES, type ProposedEvent } from '../storage/record-format.js';
import type { ProtoReader } from './protobuf.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const TYPE = Buffer.from('type');
const CONTENT_TYPE = Buffer.from('content-type');
const JSON_CONTENT = Buffer.from('application/json');

/** The longest name that a record can hold. */
export const MAX_NAME = 65_535;

export function parseUuid(reader: ProtoReader): string {
  let id = '';
  while (reader.next()) {
    if (reader.field === 2) id = reader.string();
    else if (reader.field === 1) id = structured(reader.message());
    else reader.skip();
  }
  if (UUID.test(id)) return id;
  const lower = id.toLowerCase();
  if (UUID.test(lower)) return lower;
  throw new InvalidArgument(`'${id}' is not a UUID; event ids and correlation ids must be UUIDs.`);
}

function structured(reader: ProtoReader): string {
  let most = 0n;
  let least = 0n;
  while (reader.next()) {
    if (reader.field === 1) most = reader.bigVarint();
    else if (reader.field === 2) least = reader.bigVarint();
    else reader.skip();
  }
  const hex = most.toString(16).padStart(16, '0') + least.toString(16).padStart(16, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/**
 * ProposedMessage of an append or batch append. The payload stays a view on the request.
 * @param before the event before it: when the types are the same, so are their buffers, which later steps make use of
 */
export function parseProposedEvent(reader: ProtoReader, before?: ProposedEvent): ProposedEvent {
  let id: string | undefined;
  const properties = { type: NO_BYTES, json: false };
  let data: Buffer = NO_BYTES;
  let metadata: Buffer = NO_BYTES;
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        id = parseUuid(reader.message());
        break;
      case 2:
        parseProperty(reader.message(), properties, before?.type);
        break;
      case 3:
        metadata = reader.bytes();
        break;
      case 4:
        data = reader.bytes();
        break;
      default:
        reader.skip();
    }
  }
  const { type, json } = properties;
  if (id === undefined) throw new InvalidArgument('An event has no id. Give each event a UUID.');
  if (type.length === 0) throw new InvalidArgument('An event has no type. Give each event a type.');
  if (type.length > MAX_NAME) throw new InvalidArgument(`An event type is longer than ${MAX_NAME} bytes.`);
  return { id, type, json, data, metadata };
}

/** An entry of the map `metadata`: of its keys, two mean something. The key comes first, as all writers of maps have it. */
function parseProperty(
  reader: ProtoReader,
  properties: { type: Buffer; json: boolean },
  typeBefore: Buffer | undefined,
): void {
  let isType = false;
  let isContentType = false;
  while (reader.next()) {
    if (reader.field === 1) {
      reader.view();
      isType = reader.is(TYPE);
      isContentType = !isType && reader.is(CONTENT_TYPE);
    } else if (reader.field === 2) {
      reader.view();
      if (isType) properties.type = reader.taken(typeBefore);
      else if (isContentType) properties.json = reader.is(JSON_CONTENT);
    } else reader.skip();
  }
}

/** What `$$<stream>` says about a stream. Values that EventStoreDB would not accept (text, zero, negative) are ignored. */

/** "$tb" of a soft-deleted stream: 2^63-1, which JSON numbers round to 2^63. */
export const DELETED_TRUNCATE_BEFORE = '9223372036854775807';
const DELETED_FROM = 9.2e18;

export interface StreamAcl {
  readonly read?: readonly string[];
  readonly write?: readonly string[];
  readonly delete?: readonly string[];
  readonly metaRead?: readonly string[];
  readonly metaWrite?: readonly string[];
}

export interface StreamMetadata {
  readonly maxCount: number | undefined;
  readonly maxAgeMs: number | undefined;
  /** Revisions below it cannot be read. */
  readonly truncateBefore: number;
  readonly deleted: boolean;
  readonly acl: StreamAcl | undefined;
  readonly raw: Readonly<Record<string, unknown>>;
}

export const NO_METADATA: StreamMetadata = {
  maxCount: undefined,
  maxAgeMs: undefined,
  truncateBefore: 0,
  deleted: false,
  acl: undefined,
  raw: {},
};
/** A metadata stream shows its last event only. */
export const METADATA_OF_METADATA: StreamMetadata = { ...NO_METADATA, maxCount: 1 };

export const isMetadataStream = (name: string): boolean => name.startsWith('$$');
export const metadataStreamOf = (name: string): string => `$$${name}`;

const positive = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isInteger(value) && value > 0 ? value : undefined;

const names = (value: unknown): readonly string[] | undefined => {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  return undefined;
};

function parseAcl(value: unknown): StreamAcl | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const acl = value as Record<string, unknown>;
  const part = <K extends keyof StreamAcl>(key: K, name: string): Partial<StreamAcl> => {
    const list = names(acl[name]);
    return list ? { [key]: list } : {};
  };
  return {
    ...part('read', '$r'),
    ...part('write', '$w'),
    ...part('delete', '$d'),
    ...part('metaRead', '$mr'),
    ...part('metaWrite', '$mw'),
  };
}

export function parseStreamMetadata(json: Buffer): StreamMetadata {
  let raw: unknown;
  try {
    raw = JSON.parse(json.toString('utf8'));
  } catch {
    return NO_METADATA; // EventStoreDB, too, ignores metadata that is not JSON
  }
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return NO_METADATA;
  const values = raw as Record<string, unknown>;
  const truncateBefore = positive(values['$tb']) ?? 0;
  const maxAge = positive(values['$maxAge']);
  return {
    maxCount: positive(values['$maxCount']),
    maxAgeMs: maxAge === undefined ? undefined : maxAge * 1000,
    truncateBefore,
    deleted: truncateBefore >= DELETED_FROM,
    acl: parseAcl(values['$acl']),
    raw: values,
  };
}

/** The metadata of a stream that was soft-deleted and is written again: numbering goes on behind what was deleted. */
export const undeletedMetadata = (raw: Readonly<Record<string, unknown>>, nextRevision: number): Buffer =>
  Buffer.from(JSON.stringify({ ...raw, $tb: nextRevision }));

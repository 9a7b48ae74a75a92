/**
 * One column between a handler's row, the JSON that carries rows to Postgres, and what `pg` reads back.
 *
 * Invariant: `normalise(value)` is what a query would give after `value` was stored. Handlers only ever see normalised
 * values, so a fold cannot tell a row that stayed in memory from one that was written and loaded again, and where
 * batches end has no influence on the rows. Kept for the types in `codecs`; others go through TypeORM as they are.
 */
import type { DataSource, EntityMetadata, ValueTransformer } from 'typeorm';
import { canonicalJson } from './canonical-json.js';

export type ColumnMetadata = EntityMetadata['columns'][number];
type Driver = DataSource['driver'];

export interface ColumnCodec {
  readonly property: string;
  readonly column: string;
  readonly nullable: boolean;
  /** The value of rows that leave the property out. */
  readonly fallback: unknown;
  /** @throws Error saying what is wrong with the value; null is not given to it */
  normalise(value: unknown): unknown;
  /** A normalised value as JSON that Postgres' `json_populate_recordset` turns into the column's type. */
  encode(value: unknown): unknown;
  /** What `pg` read, as TypeORM would give it. */
  decode(value: unknown): unknown;
}

type Codec = Pick<ColumnCodec, 'normalise' | 'encode'>;

const same = <T>(value: T): T => value;

function mustBe(what: string, value: unknown, good: boolean): void {
  if (!good) throw new TypeError(`${JSON.stringify(value) ?? typeof value} is not ${what}`);
}

const text: Codec = {
  normalise: (value) => {
    mustBe('text', value, typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint');
    return String(value);
  },
  encode: same,
};

const number: Codec = {
  normalise: (value) => {
    const result = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    mustBe('a number', value, typeof result === 'number' && Number.isFinite(result));
    return (result as number) + 0;
  },
  encode: same,
};

const integer: Codec = {
  normalise: (value) => {
    const result = number.normalise(value);
    mustBe('a whole number', value, Number.isSafeInteger(result));
    return result;
  },
  encode: same,
};

/** `numeric` and `bigint` come back as text, with exactly `scale` decimals where the column has a scale. */
const decimal = (scale: number | undefined): Codec => ({
  normalise: (value) => {
    const digits = typeof value === 'number' && scale !== undefined ? value.toFixed(scale) : String(value);
    const match = /^([+-]?)0*(\d+)(?:\.(\d*))?$/.exec(digits);
    mustBe('a decimal number', value, match !== null);
    const [, sign = '', whole = '', fraction = ''] = match ?? [];
    mustBe(`a number of at most ${scale} decimals`, value, scale === undefined || fraction.length <= scale);
    const decimals = fraction.padEnd(scale ?? 0, '0');
    const result = decimals === '' ? whole : `${whole}.${decimals}`;
    return sign === '-' && /[1-9]/.test(result) ? `-${result}` : result;
  },
  encode: same,
});

/** Postgres prints the shortest decimal that reads back as the same 4-byte float. */
const real: Codec = {
  normalise: (value) => {
    const wanted = Math.fround(number.normalise(value) as number);
    for (let precision = 1; precision < 9; precision++) {
      const shorter = Number(wanted.toPrecision(precision));
      if (Math.fround(shorter) === wanted) return shorter;
    }
    return Number(wanted.toPrecision(9));
  },
  encode: same,
};

const boolean: Codec = {
  normalise: (value) => {
    mustBe('true or false', value, typeof value === 'boolean');
    return value;
  },
  encode: same,
};

const uuid: Codec = { normalise: (value) => (text.normalise(value) as string).toLowerCase(), encode: same };

function date(value: unknown): Date {
  const result = value instanceof Date ? value : new Date(value as string | number);
  mustBe('a date', value, value !== null && !Number.isNaN(result.getTime()));
  return result;
}

const timestampWithZone: Codec = { normalise: date, encode: (value) => (value as Date).toISOString() };

/** Without a zone, `pg` reads and writes the wall clock of the process. */
const timestampWithoutZone: Codec = {
  normalise: date,
  encode: (value) => {
    const local = value as Date;
    return new Date(local.getTime() - local.getTimezoneOffset() * 60_000).toISOString().slice(0, -1);
  },
};

const jsonb: Codec = { normalise: canonicalJson, encode: same };
const json: Codec = { normalise: (value) => JSON.parse(JSON.stringify(value)) as unknown, encode: same };

const bytes: Codec = {
  normalise: (value) => {
    mustBe('a Buffer', value, value instanceof Uint8Array);
    return Buffer.from(value as Uint8Array);
  },
  encode: (value) => `\\x${(value as Buffer).toString('hex')}`,
};

const listOf = (item: Codec): Codec => ({
  normalise: (value) => {
    mustBe('an array', value, Array.isArray(value));
    return (value as unknown[]).map((element) => (element === null ? null : item.normalise(element)));
  },
  encode: (value) => (value as unknown[]).map((element) => (element === null ? null : item.encode(element))),
});

/** By Postgres' names of the types, as TypeORM's driver normalises them. */
const codecs: Readonly<Record<string, Codec>> = {
  'character varying': text,
  text,
  citext: text,
  uuid,
  integer,
  smallint: integer,
  bigint: decimal(0),
  'double precision': number,
  real,
  boolean,
  'timestamp with time zone': timestampWithZone,
  'timestamp without time zone': timestampWithoutZone,
  jsonb,
  json,
  bytea: bytes,
};

export function columnCodec(column: ColumnMetadata, driver: Driver): ColumnCodec {
  const type = driver.normalizeType(column);
  const throughTypeOrm: Codec = {
    normalise: (value) => driver.prepareHydratedValue(driver.preparePersistentValue(value, column), column) as unknown,
    encode: (value) => driver.preparePersistentValue(value, column) as unknown,
  };
  const ownType = type === 'numeric' ? decimal(column.scale) : codecs[type];
  // TypeORM keeps these in text columns, in a format of its own.
  const inText = column.type === 'simple-json' || column.type === 'simple-array';
  const plain = inText || !ownType ? throughTypeOrm : column.isArray ? listOf(ownType) : ownType;
  const isKnown = plain !== throughTypeOrm;
  const codec = isKnown && column.transformer ? transformed(plain, [column.transformer].flat()) : plain;
  return {
    property: column.propertyName,
    column: column.databaseName,
    nullable: column.isNullable,
    fallback: typeof column.default === 'function' ? undefined : column.default,
    normalise: (value) => codec.normalise(value),
    encode: (value) => codec.encode(value),
    decode: (value) => driver.prepareHydratedValue(value, column) as unknown,
  };
}

function transformed(inner: Codec, transformers: readonly ValueTransformer[]): Codec {
  const to = (value: unknown) => transformers.reduce<unknown>((result, each) => each.to(result) as unknown, value);
  const from = (value: unknown) =>
    transformers.reduceRight<unknown>((result, each) => each.from(result) as unknown, value);
  const stored = (value: unknown) => {
    const result = to(value) ?? null;
    return result === null ? null : inner.normalise(result);
  };
  return {
    normalise: (value) => from(stored(value)),
    encode: (value) => {
      const result = stored(value);
      return result === null ? null : inner.encode(result);
    },
  };
}

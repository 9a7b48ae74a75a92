/** What the engine knows of an entity: its table, columns, primary key, and how rows travel to Postgres and back. */
import { createHash } from 'node:crypto';
import { DataSource, type EntityMetadata } from 'typeorm';
import { InvalidReadModel, InvalidRow } from '../errors.js';
import type { AnyReadModel, RowKey } from '../read-model.js';
import { columnCodec, type ColumnCodec, type ColumnMetadata } from './column-codec.js';

/** A row as handlers see it, by property name, all values normalised. */
export type Row = Readonly<Record<string, unknown>>;

/** A key in one text form, whatever form the user gave it in. */
export interface KeyOfRow {
  readonly id: string;
  /** Normalised values of the primary key, by property name. */
  readonly values: Row;
}

/** Reads an entity's metadata without a connection. */
class OfflineDataSource extends DataSource {
  override buildMetadatas(): Promise<void> {
    return super.buildMetadatas();
  }
}

/** @throws InvalidReadModel when the entity has what a fold cannot fill */
export async function rowShape(model: AnyReadModel): Promise<RowShape> {
  const source = new OfflineDataSource({ type: 'postgres', entities: [model.entity], logging: false });
  await source.buildMetadatas();
  const metadata = source.getMetadata(model.entity);
  mustBeFoldable(model.name, metadata);
  return new RowShape(
    model.name,
    metadata.tableName,
    metadata.columns.map((column) => columnCodec(column, source.driver)),
    metadata.primaryColumns.map((column) => columnCodec(column, source.driver)),
    fingerprintOf(metadata),
  );
}

export class RowShape {
  constructor(
    private readonly readModel: string,
    readonly table: string,
    readonly columns: readonly ColumnCodec[],
    readonly primary: readonly ColumnCodec[],
    /** Changes with the columns and indices of the entity. */
    readonly fingerprint: string,
  ) {}

  /** @throws InvalidRow when it is not a key of this table */
  keyOf(key: RowKey): KeyOfRow {
    const values: Record<string, unknown> = {};
    const parts: string[] = [];
    for (const codec of this.primary) {
      const given = typeof key === 'object' ? key[codec.property] : this.primary.length === 1 ? key : undefined;
      if (given === undefined || given === null) {
        const wanted = this.primary.map(({ property }) => property).join(', ');
        throw new InvalidRow(
          this.readModel,
          `'key' gave ${show(key)}, which has no ${codec.property}. It must give: ${wanted}.`,
        );
      }
      values[codec.property] = this.normalised(codec, given);
      parts.push(String(codec.encode(values[codec.property])));
    }
    return { id: parts.length === 1 ? (parts[0] ?? '') : JSON.stringify(parts), values };
  }

  /** The key as handlers see it, see {@link RowKey}. */
  valueOf({ values }: KeyOfRow): RowKey {
    const [only] = this.primary;
    return (only && this.primary.length === 1 ? values[only.property] : values) as RowKey;
  }

  /** The row as a query would give it after it was stored. @throws InvalidRow */
  normalise(row: object, key: KeyOfRow): Row {
    const given = row as Row;
    const result: Record<string, unknown> = {};
    for (const codec of this.columns) {
      const value = given[codec.property] ?? (given[codec.property] === undefined ? codec.fallback : null);
      if (value === undefined || value === null) {
        if (!codec.nullable) throw new InvalidRow(this.readModel, `${codec.property} is missing and not nullable.`);
        result[codec.property] = codec.decode(null);
      } else {
        result[codec.property] = this.normalised(codec, value);
      }
    }
    if (this.idOf(result) !== key.id)
      throw new InvalidRow(this.readModel, `its primary key is ${this.idOf(result)}, but 'key' said ${key.id}.`);
    return result;
  }

  /** Normalised rows (or keys), as the JSON array for `json_populate_recordset`. */
  toJson(rows: Iterable<Row>): string {
    const encoded: Record<string, unknown>[] = [];
    for (const row of rows) {
      const record: Record<string, unknown> = {};
      for (const codec of this.columns) {
        const value = row[codec.property];
        if (value !== undefined) record[codec.column] = value === null ? null : codec.encode(value);
      }
      encoded.push(record);
    }
    return JSON.stringify(encoded);
  }

  /** What `pg` read from the table. */
  fromDatabase(record: Readonly<Record<string, unknown>>): { readonly id: string; readonly row: Row } {
    const row: Record<string, unknown> = {};
    for (const codec of this.columns) row[codec.property] = codec.decode(record[codec.column]);
    return { id: this.idOf(row), row };
  }

  /** The text form of a row's key, see {@link KeyOfRow}. */
  idOf(row: Row): string {
    const [only] = this.primary;
    if (only && this.primary.length === 1) return String(only.encode(row[only.property]));
    return JSON.stringify(this.primary.map((codec) => String(codec.encode(row[codec.property]))));
  }

  private normalised(codec: ColumnCodec, value: unknown): unknown {
    try {
      return codec.normalise(value);
    } catch (cause) {
      throw new InvalidRow(
        this.readModel,
        `${codec.property}: ${cause instanceof Error ? cause.message : String(cause)}.`,
      );
    }
  }
}

const show = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner));

function mustBeFoldable(name: string, metadata: EntityMetadata): void {
  const wrong = (what: string, instead: string) =>
    new InvalidReadModel(
      name,
      `its entity ${metadata.name} has ${what}. A row is a function of its events: ${instead}.`,
    );
  if (metadata.relations.length > 0) throw wrong('relations', 'keep ids, or a jsonb column');
  if (metadata.embeddeds.length > 0) throw wrong('embedded columns', 'use plain columns, or a jsonb column');
  if (metadata.givenTableName?.includes('.') || metadata.schema !== undefined)
    throw wrong(`the schema ${metadata.schema}`, 'leave it out, each build has a schema of its own');
  if (metadata.primaryColumns.length === 0) throw wrong('no primary column', 'mark the key with @PrimaryColumn');
  const generated = metadata.columns.find(isGenerated);
  if (generated)
    throw wrong(`the generated column ${generated.propertyName}`, 'set it in a handler (at.created, at.id)');
}

const isGenerated = (column: ColumnMetadata): boolean =>
  column.isGenerated ||
  column.isCreateDate ||
  column.isUpdateDate ||
  column.isDeleteDate ||
  column.isVersion ||
  column.generatedType !== undefined;

function fingerprintOf(metadata: EntityMetadata): string {
  const columns = metadata.columns.map((column) =>
    // prettier-ignore
    [column.databaseName, String(column.type instanceof Function ? column.type.name : column.type), column.length,
      column.precision, column.scale, column.isNullable, column.isArray, column.isPrimary, column.enum, column.collation],
  );
  const indices = metadata.indices.map((index) => [index.name, index.isUnique, index.where, index.type]);
  const uniques = metadata.uniques.map((unique) => unique.name);
  return createHash('sha256')
    .update(JSON.stringify([metadata.tableName, columns, indices, uniques]))
    .digest('hex')
    .slice(0, 16);
}

/**
 * The query side of a read model in a few lines: by id, and lists with keyset paging. A page begins after the last row
 * of the page before (an opaque cursor), so rows that come and go meanwhile neither repeat nor hide others, and the
 * hundredth page costs what the first does. Filters and sorts are the declared columns only.
 */
import type { FindOptionsWhere, ObjectLiteral, Repository } from 'typeorm';
import { InvalidCursor, NotFound } from '../errors.js';

export interface Page<Row> {
  readonly items: Row[];
  /** Give it as `cursor` to get the next page; absent on the last one. */
  readonly next?: string;
}

export interface PageRequest<Row> {
  /** Only rows with these values. */
  readonly where?: Partial<Row>;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

export interface ReadModelQueryOptions<Row> {
  /** The property that identifies a row. */
  readonly key: keyof Row & string;
  /** The property that lists are sorted by, the newest or largest first; the key decides between equals. */
  readonly sort: keyof Row & string;
}

export class ReadModelQuery<Row extends ObjectLiteral> {
  constructor(
    private readonly repository: Repository<Row>,
    private readonly options: ReadModelQueryOptions<Row>,
  ) {}

  /**
   * @param where what must also be so: a row that is not the caller's to see is answered like one that is not there
   * @throws NotFound
   */
  async byId(id: string, where: FindOptionsWhere<Row> = {}): Promise<Row> {
    const row = await this.repository.findOneBy({ ...where, [this.options.key]: id });
    if (!row)
      throw new NotFound(
        `There is no ${this.repository.metadata.tableName.replaceAll('_', ' ')} '${id}'. Check the id.`,
      );
    return row;
  }

  /** @throws InvalidCursor */
  async page({ where = {}, limit, cursor }: PageRequest<Row>): Promise<Page<Row>> {
    const { key, sort } = this.options;
    const query = this.repository
      .createQueryBuilder('row')
      .where(where)
      .orderBy(`row.${sort}`, 'DESC')
      .addOrderBy(`row.${key}`, 'DESC')
      .limit(limit + 1);
    if (cursor !== undefined) {
      const [lastSort, lastKey] = decodeCursor(cursor);
      query.andWhere(`(row.${sort}, row.${key}) < (:lastSort, :lastKey)`, { lastSort, lastKey });
    }
    const rows = await query.getMany();
    const items = rows.slice(0, limit);
    const last = items.at(-1);
    return rows.length > limit && last ? { items, next: encodeCursor([last[sort], last[key]]) } : { items };
  }
}

const encodeCursor = (place: readonly [unknown, unknown]): string =>
  Buffer.from(JSON.stringify(place)).toString('base64url');

function decodeCursor(cursor: string): [string | number, string | number] {
  let place: unknown;
  try {
    place = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    throw new InvalidCursor();
  }
  const isPlace =
    Array.isArray(place) &&
    place.length === 2 &&
    place.every((part) => typeof part === 'string' || typeof part === 'number');
  if (!isPlace) throw new InvalidCursor();
  return place as [string | number, string | number];
}

/**
 * The query side of a read model in a few lines: by id, and lists with keyset paging. A page begins after the last row
 * of the page before (an opaque cursor), so rows that come and go meanwhile neither repeat nor hide others, and the
 * hundredth page costs what the first does. Filters and sorts are the declared columns only: those with an index.
 */
import type { FindOptionsWhere, ObjectLiteral, Repository } from 'typeorm';
import { InvalidCursor, InvalidQuery, NotFound, UnsortableColumn } from '../errors.js';

export interface Page<Row> {
  readonly items: Row[];
  /** Give it as `cursor` to get the next page; absent on the last one. */
  readonly next?: string;
}

export interface PageRequest<Row> {
  /** Only rows with these values; a list: with one of them. Undefined: whatever the value is. */
  readonly where?: { readonly [Column in keyof Row]?: Row[Column] | readonly Row[Column][] | undefined };
  /** A declared column, the smallest first; with `-` before it, the largest first. Default: the first declared, the largest first. */
  readonly sort?: string | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

type Column<Row> = keyof Row & string;

export interface ReadModelQueryOptions<Row> {
  /** The property that identifies a row. */
  readonly key: Column<Row>;
  /** The properties that lists can be sorted by; the key decides between equals. They must not be nullable. */
  readonly sort: Column<Row> | readonly [Column<Row>, ...Column<Row>[]];
  /** The properties that lists can be filtered by. */
  readonly filters?: readonly Column<Row>[];
}

interface Order<Row> {
  readonly column: Column<Row>;
  readonly direction: 'ASC' | 'DESC';
}

export class ReadModelQuery<Row extends ObjectLiteral> {
  private readonly sorts: readonly [Column<Row>, ...Column<Row>[]];

  /** @throws UnsortableColumn */
  constructor(
    private readonly repository: Repository<Row>,
    private readonly options: ReadModelQueryOptions<Row>,
  ) {
    const { sort } = options;
    this.sorts = typeof sort === 'string' ? [sort] : sort;
    const { columns, tableName } = repository.metadata;
    for (const name of this.sorts)
      if (columns.find(({ propertyName }) => propertyName === name)?.isNullable !== false)
        throw new UnsortableColumn(tableName, name);
  }

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

  /** @throws InvalidCursor; InvalidQuery for a column that is not declared */
  async page({ where = {}, sort, limit, cursor }: PageRequest<Row>): Promise<Page<Row>> {
    const { key } = this.options;
    const { column, direction } = this.order(sort);
    const query = this.repository
      .createQueryBuilder('row')
      .orderBy(`row.${column}`, direction)
      .addOrderBy(`row.${key}`, direction)
      .limit(limit + 1);
    for (const [filter, wanted] of this.filters(where))
      query.andWhere(`row.${filter} in (:...${filter})`, { [filter]: Array.isArray(wanted) ? wanted : [wanted] });
    const list = `${direction} ${column}`;
    if (cursor !== undefined) {
      const [lastSort, lastKey] = decodeCursor(list, cursor);
      const after = direction === 'DESC' ? '<' : '>';
      query.andWhere(`(row.${column}, row.${key}) ${after} (:lastSort, :lastKey)`, { lastSort, lastKey });
    }
    const rows = await query.getMany();
    const items = rows.slice(0, limit);
    const last = items.at(-1);
    return rows.length > limit && last ? { items, next: encodeCursor(list, [last[column], last[key]]) } : { items };
  }

  private order(sort: string | undefined): Order<Row> {
    if (sort === undefined) return { column: this.sorts[0], direction: 'DESC' };
    const [name, direction] = sort.startsWith('-') ? [sort.slice(1), 'DESC' as const] : [sort, 'ASC' as const];
    const column = this.sorts.find((each) => each === name);
    if (column === undefined) throw new InvalidQuery('sort', name, this.sorts);
    return { column, direction };
  }

  private filters(where: NonNullable<PageRequest<Row>['where']>): [string, unknown][] {
    const { filters = [] } = this.options;
    const given = Object.entries<unknown>(where).filter(([, wanted]) => wanted !== undefined);
    for (const [name] of given) if (!filters.includes(name)) throw new InvalidQuery('filter', name, filters);
    return given.filter(([, wanted]) => !(Array.isArray(wanted) && wanted.length === 0));
  }
}

/** @param list that gives it out: another list has another order, in which the place would be a different one */
const encodeCursor = (list: string, place: readonly [unknown, unknown]): string =>
  Buffer.from(JSON.stringify([list, ...place])).toString('base64url');

function decodeCursor(list: string, cursor: string): [string | number, string | number] {
  let decoded: unknown;
  try {
    decoded = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    throw new InvalidCursor();
  }
  const [of, ...place] = Array.isArray(decoded) ? (decoded as unknown[]) : [];
  const isPlace =
    of === list && place.length === 2 && place.every((part) => typeof part === 'string' || typeof part === 'number');
  if (!isPlace) throw new InvalidCursor();
  return place as [string | number, string | number];
}

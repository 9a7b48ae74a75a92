import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { testPostgres } from '@annals/testing';
import { Column, DataSource, Entity, PrimaryColumn } from 'typeorm';
import { InvalidCursor, InvalidQuery, NotFound, UnsortableColumn } from '../errors.js';
import { ReadModelQuery, type Page, type PageRequest } from './read-model-query.js';

@Entity('book')
class Book {
  @PrimaryColumn('text')
  isbn!: string;
  @Column('text')
  genre!: string;
  @Column('integer')
  pages!: number;
  @Column('timestamptz')
  bought!: Date;
  @Column('text', { nullable: true })
  lentTo!: string | null;
}

const books: Book[] = Array.from({ length: 25 }, (_, i) => ({
  isbn: `b${String(i).padStart(2, '0')}`,
  genre: ['novel', 'poem', 'drama'][i % 3] ?? '',
  pages: 100 + (i % 4),
  bought: new Date(Date.UTC(2026, 0, 1 + (i % 5))),
  lentTo: null,
}));

let source: DataSource;
let queries: ReadModelQuery<Book>;
beforeAll(async () => {
  const { url } = await testPostgres();
  source = await new DataSource({ type: 'postgres', url, entities: [Book], synchronize: true }).initialize();
  await source.getRepository(Book).save(books);
  queries = new ReadModelQuery(source.getRepository(Book), {
    key: 'isbn',
    sort: ['bought', 'pages'],
    filters: ['genre', 'pages'],
  });
});
afterAll(() => source.destroy());

/** All pages, one after the other. */
async function walk(request: Omit<PageRequest<Book>, 'cursor'>): Promise<string[]> {
  const found: string[] = [];
  let page: Page<Book> | undefined;
  do {
    const { next } = page ?? {};
    page = await queries.page({ ...request, ...(next !== undefined && { cursor: next }) });
    found.push(...page.items.map(({ isbn }) => isbn));
  } while (page.next !== undefined);
  return found;
}

const sorted = (by: 'bought' | 'pages', sign: 1 | -1, of = books) =>
  [...of]
    .sort((one, other) => sign * (Number(one[by]) - Number(other[by]) || (one.isbn < other.isbn ? -1 : 1)))
    .map(({ isbn }) => isbn);

describe('a query of a read model', () => {
  it('finds a row by its key, or says that there is none', async () => {
    expect(await queries.byId('b03')).toMatchObject({ isbn: 'b03', genre: 'novel' });
    await expect(queries.byId('b99')).rejects.toThrow(NotFound);
  });

  it('gives pages that make up the whole list, in the order of any declared column, up and down', async () => {
    for (const by of ['bought', 'pages'] as const) {
      expect(await walk({ sort: by, limit: 4 })).toEqual(sorted(by, 1));
      expect(await walk({ sort: `-${by}`, limit: 4 })).toEqual(sorted(by, -1));
    }
    expect(await walk({ limit: 7 })).toEqual(sorted('bought', -1));
  });

  it('filters by declared columns, by one value or by any of several', async () => {
    const poems = books.filter(({ genre }) => genre === 'poem');
    expect(await walk({ where: { genre: 'poem', pages: undefined }, limit: 3 })).toEqual(sorted('bought', -1, poems));
    const some = books.filter(({ genre, pages }) => genre !== 'poem' && pages === 101);
    expect(await walk({ where: { genre: ['novel', 'drama'], pages: 101 }, sort: 'pages', limit: 2 })).toEqual(
      sorted('pages', 1, some),
    );
  });

  it('refuses columns that are not declared, and says which are', async () => {
    await expect(queries.page({ sort: '-genre', limit: 1 })).rejects.toThrow(/'genre'.*bought, pages/);
    await expect(queries.page({ where: { isbn: 'b01' }, limit: 1 })).rejects.toThrow(InvalidQuery);
    await expect(queries.page({ sort: 'isbn; drop table book', limit: 1 })).rejects.toThrow(InvalidQuery);
  });

  it('refuses a cursor that is none, or that another order gave out', async () => {
    const { next = '' } = await queries.page({ sort: 'pages', limit: 2 });
    for (const cursor of ['', 'x', Buffer.from('[1,{}]').toString('base64url'), `${next.slice(0, -3)}`])
      await expect(queries.page({ sort: 'pages', limit: 2, cursor })).rejects.toThrow(InvalidCursor);
    for (const sort of ['-pages', 'bought'])
      await expect(queries.page({ sort, limit: 2, cursor: next })).rejects.toThrow(InvalidCursor);
    expect((await queries.page({ sort: 'pages', limit: 2, cursor: next })).items).toHaveLength(2);
  });

  it('cannot be made to sort by a column that may be null', () => {
    const make = () => new ReadModelQuery(source.getRepository(Book), { key: 'isbn', sort: 'lentTo' });
    expect(make).toThrow(UnsortableColumn);
  });
});

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { DomainEvent } from '@annals/core';
import { readModelSpecification, testPostgres } from '@annals/testing';
import fc from 'fast-check';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { InvalidRow, readModel } from '../index.js';

@Entity()
class Everything {
  @PrimaryColumn('uuid')
  id!: string;
  @PrimaryColumn('int')
  part!: number;
  @Column('text', { nullable: true })
  text?: string | null;
  @Column('varchar', { length: 40, default: 'none' })
  withDefault!: string;
  @Column('bigint')
  big!: string | bigint;
  @Column('numeric', { precision: 20, scale: 4 })
  exact!: string | number;
  @Column('double precision')
  float!: number;
  @Column('real')
  small!: number;
  @Column('boolean')
  flag!: boolean;
  @Column('timestamptz')
  zoned!: Date | string;
  @Column('timestamp')
  wall!: Date;
  @Column('date')
  day!: string;
  @Column('jsonb')
  tree!: unknown;
  @Column('json')
  raw!: unknown;
  @Column('simple-json')
  simple!: unknown;
  @Column('simple-array')
  words!: string[];
  @Column('text', { array: true })
  texts!: string[];
  @Column('int', { array: true })
  numbers!: number[];
  @Column('bytea')
  bytes!: Buffer;
  @Column('enum', { enum: ['on', 'off'] })
  state!: string;
  @Column('bigint', { transformer: { to: (value: number) => value * 2, from: (value: string) => Number(value) / 2 } })
  doubled!: number;
}

type Stored = DomainEvent<'Stored', { row: object }>;
/** Each event after the first folds the row as it came back, so that a second round changes it if the first did. */
const everything = readModel<Everything, Stored>(Everything, {
  name: 'everything',
  version: 1,
  key: () => ({ id: '0B0E7F6C-2F5F-4B6E-9C39-7C6A6D4E5F60', part: 7 }),
  on: {
    Stored: (row, { data }) =>
      row ?? ({ id: '0B0E7F6C-2F5F-4B6E-9C39-7C6A6D4E5F60', part: 7, ...data.row } as Everything),
  },
});

const text = fc.string({ unit: 'grapheme' }).map((value) => value.replaceAll('\0', ''));
const jsonValue = fc
  .jsonValue()
  .filter((value) => value !== null && !/\\u0000|\\ud[89a-f]/.test(JSON.stringify(value)));
const anyRow = fc.record({
  text: fc.option(text),
  big: fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.constant('-0042')),
  exact: fc.oneof(
    fc.integer({ min: -1e9, max: 1e9 }).map((value) => value / 100),
    fc.constantFrom('1', '-0.5', '+07.25', '123456789012345.6789'),
  ),
  float: fc.double({ noNaN: true, noDefaultInfinity: true }),
  small: fc.float({ noNaN: true, noDefaultInfinity: true }),
  flag: fc.boolean(),
  zoned: fc.date({ min: new Date('1000-01-01'), max: new Date('9999-01-01'), noInvalidDate: true }),
  wall: fc.date({ min: new Date('1970-01-01'), max: new Date('9999-01-01'), noInvalidDate: true }),
  day: fc.constantFrom('2024-02-29', '1999-12-31'),
  tree: jsonValue,
  raw: jsonValue,
  simple: jsonValue,
  words: fc.array(fc.stringMatching(/^[a-z]+$/), { minLength: 1 }),
  texts: fc.array(text),
  numbers: fc.array(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })),
  bytes: fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  state: fc.constantFrom('on', 'off'),
  doubled: fc.integer(),
});

describe('rows in memory and rows in Postgres', () => {
  let postgres: string;
  beforeAll(async () => {
    postgres = (await testPostgres()).url;
  });
  afterAll(() => undefined);

  it('are the same for every type of column, however often they go there and back', async () => {
    const inMemory = readModelSpecification(everything);
    const stored = readModelSpecification(everything, { postgres });
    await fc.assert(
      fc.asyncProperty(anyRow, async (row) => {
        const events = [1, 2].map((): Stored => ({ type: 'Stored', data: { row } }));
        expect(await stored(...events).rows()).toStrictEqual(await inMemory(...events).rows());
      }),
      { numRuns: Number(process.env['ANNALS_TEST_RUNS'] ?? 25) },
    );
  }, 60_000);

  const good = fc.sample(anyRow, 1)[0];
  it.each([
    ['text in a number', { float: 'much' }],
    ['half a whole number', { numbers: [1.5] }],
    ['a date that is none', { zoned: 'yesterday' }],
    ['too many decimals', { exact: '1.23456' }],
    ['nothing where something must be', { flag: null }],
    ['a property left out', { flag: undefined }],
  ])('refuse %s before it gets to the database', async (_, wrong) => {
    const given = readModelSpecification(everything);
    await expect(given({ type: 'Stored', data: { row: { ...good, ...wrong } } }).rows()).rejects.toThrow(InvalidRow);
  });
});

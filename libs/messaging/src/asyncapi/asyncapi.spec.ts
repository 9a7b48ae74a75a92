import { describe, expect, it } from '@jest/globals';
import { IsBoolean, IsIn, IsInt, IsOptional, IsString, IsUUID, Matches, Max, MaxLength, Min } from 'class-validator';
import { IntegrationEvent } from '../contracts/contract.js';
import { Nested, NestedArray } from '../contracts/nested.js';
import { MoveParcel, ParcelTaken } from '../../test/contracts.js';
import { asyncApi } from './async-api.js';
import { contractChanges } from './compatibility.js';
import { jsonSchema, type JsonSchema } from './json-schema.js';

class Amount {
  @IsInt()
  @Min(0)
  @Max(10)
  value!: number;
}

class Everything {
  @IsUUID()
  id!: string;

  @IsOptional()
  @IsString()
  @MaxLength(10)
  note?: string;

  @IsIn(['a', 'b'])
  kind!: string;

  @Matches(/^[A-Z]{3}$/)
  currency!: string;

  @IsString({ each: true })
  tags!: string[];

  @IsBoolean()
  gift!: boolean;

  @Nested(() => Amount)
  total!: Amount;

  @NestedArray(() => Amount)
  parts!: Amount[];
}

const amount: JsonSchema = {
  type: 'object',
  properties: { value: { type: 'integer', minimum: 0, maximum: 10 } },
  required: ['value'],
  additionalProperties: false,
};

describe('the JSON Schema of a contract', () => {
  it('says what its decorators check', () => {
    expect(jsonSchema(Everything)).toEqual({
      type: 'object',
      additionalProperties: false,
      required: ['currency', 'gift', 'id', 'kind', 'parts', 'tags', 'total'],
      properties: {
        id: { type: 'string', format: 'uuid' },
        note: { type: 'string', maxLength: 10 },
        kind: { enum: ['a', 'b'] },
        currency: { type: 'string', pattern: '^[A-Z]{3}$' },
        tags: { type: 'array', items: { type: 'string' } },
        gift: { type: 'boolean' },
        total: amount,
        parts: { type: 'array', minItems: 1, items: amount },
      },
    });
  });
});

describe('the AsyncAPI document', () => {
  const document = asyncApi({
    title: 'Depot',
    version: '1',
    contexts: [
      { name: 'depot', publishes: [ParcelTaken.type], consumes: [MoveParcel.type] },
      { name: 'alpha', consumes: [ParcelTaken.type], sends: [MoveParcel.type] },
    ],
    contracts: [MoveParcel.contract, ParcelTaken.contract],
  });

  it('says who sends and who receives', () => {
    expect(
      Object.entries(document.operations).map(([name, { action, channel }]) => [name, action, channel.$ref]),
    ).toEqual([
      ['alpha.consumes.depot.parcel-taken.v1', 'receive', '#/channels/depot.parcel-taken.v1'],
      ['alpha.sends.depot.move-parcel.v1', 'send', '#/channels/depot.move-parcel.v1'],
      ['depot.consumes.depot.move-parcel.v1', 'receive', '#/channels/depot.move-parcel.v1'],
      ['depot.publishes.depot.parcel-taken.v1', 'send', '#/channels/depot.parcel-taken.v1'],
    ]);
  });

  it('refers to nothing that is not in it', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path]) => path ?? '');
    expect(references.length).toBeGreaterThan(6);
    for (const path of references) {
      const target = path.split('/').reduce<unknown>((at, step) => (at as Record<string, unknown>)[step], document);
      expect([path, target]).toEqual([path, expect.any(Object)]);
    }
  });
});

describe('changes of contracts', () => {
  class FirstEdition {
    @IsString()
    @MaxLength(10)
    name!: string;

    @IsOptional()
    @IsInt()
    size?: number;

    @NestedArray(() => Amount)
    parts!: Amount[];
  }
  const first = IntegrationEvent('edition.first.v1', FirstEdition, {
    subject: ({ name }) => name,
    example: { name: 'a', parts: [{ value: 1 }] },
  });
  const before = asyncApi({ title: '', version: '', contexts: [], contracts: [first.contract] });
  const schema = before.components.schemas['edition.first.v1'] as Required<Pick<JsonSchema, 'properties' | 'required'>>;
  const edited = (change: Partial<JsonSchema>) => ({
    components: { schemas: { 'edition.first.v1': { ...schema, ...change } } },
  });
  const told = (now: Parameters<typeof contractChanges>[1], unknownProperties: 'refuse' | 'drop' = 'refuse') =>
    contractChanges(before, now, { unknownProperties }).map(({ path, change, breaking }) => [path, change, breaking]);

  it('are none for the same contracts', () => {
    expect(told(before)).toEqual([]);
  });

  it('tells of new and of lost contracts', () => {
    expect(told({ components: { schemas: {} } })).toEqual([['data', expect.stringContaining('is gone'), true]]);
    const more = { components: { schemas: { ...before.components.schemas, 'edition.other.v1': {} } } };
    expect(told(more)).toEqual([['data', 'is new', false]]);
  });

  it('tells of rules that are tighter, looser or others, wherever they are', () => {
    const { name = {}, parts = {}, size = {} } = schema.properties;
    const now = edited({
      properties: {
        size,
        name: { ...name, maxLength: 5 },
        parts: { ...parts, items: { ...parts.items, properties: { value: { type: 'integer', minimum: 0 } } } },
      },
    });
    expect(told(now)).toEqual([
      ['data.name', expect.stringContaining('maxLength 5 in place of 10'), true],
      ['data.parts[].value', expect.stringContaining('no longer has the rule maximum 10'), true],
    ]);
  });

  it('tells of properties that came, went, or became required or optional', () => {
    const { name = {}, parts = {}, size = {} } = schema.properties;
    const now = edited({ properties: { parts, size, colour: {} }, required: ['parts', 'size'] });
    expect(told(now)).toEqual([
      ['data.colour', expect.stringContaining('refuse a property that they do not know'), true],
      ['data.name', expect.stringContaining('is gone'), true],
      ['data.size', expect.stringContaining('required now'), true],
    ]);
    const tolerated = edited({ properties: { name, parts, colour: {} } });
    expect(told(tolerated, 'drop')).toEqual([
      ['data.colour', 'is new and optional', false],
      ['data.size', 'is gone, and was optional', false],
    ]);
  });
});

import { describe, expect, it } from '@jest/globals';
import { ofType } from '@nestjs/cqrs';
import { IsInt, IsNotEmpty, IsOptional, IsString } from 'class-validator';
import { withMetadata } from '@annals/core';
import { from, lastValueFrom, toArray } from 'rxjs';
import { MoveParcel, ParcelTaken } from '../../test/contracts.js';
import { contractOf, IntegrationEvent } from './contract.js';
import { parseContractType } from './contract-type.js';
import { Nested } from './nested.js';
import { validateData } from './validation.js';

class Inner {
  @IsInt()
  size!: number;
}
class Data {
  @IsString()
  @IsNotEmpty()
  id!: string;

  @IsOptional()
  @IsString()
  note?: string;

  @Nested(() => Inner)
  inner!: Inner;
}
const options = { subject: ({ id }: Data) => id, example: { id: 'a', inner: { size: 1 } } };
class Known extends IntegrationEvent('specs.known.v12', Data, options) {}

describe('a contract', () => {
  it('has a type that says whose it is', () => {
    expect(parseContractType('order-desk.order-placed.v12')).toEqual({
      context: 'order-desk',
      name: 'order-placed',
      version: 12,
    });
    expect(contractOf('specs.known.v12')).toBe(Known.contract);
    expect(Known.contract).toMatchObject({ kind: 'event', context: 'specs', name: 'known', version: 12 });
  });

  it.each([
    'orders',
    'orders.placed',
    'orders.Placed.v1',
    'orders.placed.v0',
    'orders.placed.1',
    'a.b.c.v1',
    '.a.v1',
    'a-.b.v1',
  ])('cannot be called %s', (type) => {
    expect(() => IntegrationEvent(type, Data, options)).toThrow(
      expect.objectContaining({ code: 'MESSAGING_INVALID_CONTRACT_TYPE' }),
    );
  });

  it('is declared once, with an example that is valid', () => {
    expect(() => IntegrationEvent('specs.known.v12', Data, options)).toThrow(
      expect.objectContaining({ code: 'MESSAGING_DUPLICATE_CONTRACT' }),
    );
    const wrong = { ...options, example: { id: '', inner: { size: 1 } } };
    expect(() => IntegrationEvent('specs.wrong.v1', Data, wrong)).toThrow(/its example.*data\.id/);
    expect(contractOf('specs.wrong.v1')).toBeUndefined();
  });

  it("makes plain data that Nest's ofType recognizes", async () => {
    const received = [
      { type: 'depot.parcel-moved.v1', data: {} },
      { type: 'depot.parcel-taken.v1', data: { parcelId: 'p', step: 1 } },
    ];
    const taken = from(received as ParcelTaken[]).pipe(ofType(ParcelTaken), toArray());
    expect(await lastValueFrom(taken)).toEqual([received[1]]);
  });

  it('makes commands that keep their class when they get metadata', () => {
    const command = withMetadata(new MoveParcel({ parcelId: 'p', step: 1 }), { id: 'c' });
    expect(command).toBeInstanceOf(MoveParcel);
    expect(command.constructor).toBe(MoveParcel);
    expect(command.metadata).toEqual({ id: 'c' });
  });
});

describe('the check of data', () => {
  const { contract } = Known;

  it('lists everything that is wrong, with its place', () => {
    const wrong = { id: 7, inner: { size: 'big', colour: 'red' }, more: true };
    expect(() => validateData(contract, wrong)).toThrow(
      expect.objectContaining({
        problems: expect.arrayContaining([
          'data.id: id must be a string',
          'data.inner.size: size must be an integer number',
          'data.inner.colour: property colour should not exist',
          'data.more: property more should not exist',
        ]),
      }),
    );
    for (const data of [null, undefined, 'text', [1]])
      expect(() => validateData(contract, data)).toThrow('must be an object');
  });

  it('drops what it does not know where that is wanted, and changes nothing else', () => {
    const data = { id: 'a', inner: { size: 1, colour: 'red' }, more: true };
    expect(validateData(contract, data, 'drop')).toEqual({ id: 'a', inner: { size: 1 } });
    expect(data).toEqual({ id: 'a', inner: { size: 1, colour: 'red' }, more: true });
    const right = { id: 'a', note: 'n', inner: { size: 1 } };
    expect(validateData(contract, right)).toBe(right);
  });
});

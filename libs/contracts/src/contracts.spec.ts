import { describe, expect, it } from '@jest/globals';
import { contractOf, declaredContracts, InvalidContractData, validateData } from '@annals/messaging';
import { OrderPlaced, PaymentTaken, ReserveStock } from './index.js';

describe("the shop's contracts", () => {
  it('are keyed by the order that they are about', () => {
    const keys = declaredContracts().map((contract) => [contract.type, contract.subject(contract.example)]);
    expect(keys).toHaveLength(20);
    for (const [type, key] of keys) expect([type, key]).toEqual([type, '7f1c0d9e']);
  });

  it.each(declaredContracts().map(({ type }) => [type]))('%s refuses data with nothing in it', (type) => {
    const contract = contractOf(type);
    expect(contract && (() => validateData(contract, {}))).toThrow(InvalidContractData);
  });

  it('are plain tagged data', () => {
    const command = new ReserveStock({ orderId: '1', lines: [{ sku: 'a', quantity: 1 }] }, { id: 'c' });
    expect({ ...command }).toEqual({
      type: 'inventory.reserve-stock.v1',
      data: { orderId: '1', lines: [{ sku: 'a', quantity: 1 }] },
      metadata: { id: 'c' },
    });
    expect({ type: 'payments.payment-taken.v1', data: {} }).toBeInstanceOf(PaymentTaken);
    expect({ type: 'payments.payment-taken.v1', data: {} }).not.toBeInstanceOf(OrderPlaced);
  });

  it.each([
    ['a missing object', { total: undefined }, 'data.total: total must be an object'],
    ['a list in place of an object', { total: [] }, 'data.total: total must be an object'],
    ['null among the lines', { lines: [null] }, 'data.lines: each value in lines must be an object'],
    ['no lines', { lines: [] }, 'data.lines: lines should not be empty'],
    ['half a cent', { total: { amount: 0.5, currency: 'EUR' } }, 'data.total.amount: amount must be an integer number'],
    ['something unknown', { discount: 1 }, 'data.discount: property discount should not exist'],
    [
      'something unknown inside',
      { total: { amount: 1, currency: 'EUR', tax: 1 } },
      'data.total.tax: property tax should not exist',
    ],
  ])('refuse %s, and say where', (_, change, problem) => {
    const { contract } = OrderPlaced;
    const wrong = { ...contract.example, ...change };
    expect(() => validateData(contract, wrong)).toThrow(
      expect.objectContaining({ code: 'MESSAGING_INVALID_CONTRACT_DATA', problems: expect.arrayContaining([problem]) }),
    );
  });
});

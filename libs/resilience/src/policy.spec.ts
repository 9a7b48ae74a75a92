import { describe, expect, it } from '@jest/globals';
import { Dependencies } from './dependencies.js';
import { InvalidPolicy } from './errors.js';
import { defaults, readPolicy } from './policy.js';

describe('a policy', () => {
  it('has a default for everything', () => {
    expect(readPolicy('payments', {}, {})).toEqual({ settings: { ...defaults, url: undefined }, problems: [] });
    expect(defaults).toMatchObject({
      timeout: 5_000,
      retry: { tries: 3, firstMs: 2_000, factor: 2, maxMs: 10_000 },
      circuit: { failures: 5, openMs: 30_000, successes: 2 },
    });
  });

  it('is as declared, and as the environment says where that says anything', () => {
    const environment = {
      RESILIENCE_GIFT_CARDS_TIMEOUT_MS: '250',
      RESILIENCE_GIFT_CARDS_CIRCUIT_RATIO: '0.25',
      RESILIENCE_GIFT_CARDS_BULKHEAD_QUEUE: '',
      GIFT_CARDS_URL: 'http://cards:8080',
      RESILIENCE_PAYMENTS_TIMEOUT_MS: '1',
    };
    const { settings, problems } = readPolicy(
      'gift-cards',
      { url: 'http://localhost:1', timeout: 900, retry: { tries: 5 }, bulkhead: { limit: 10, queue: 3 } },
      environment,
    );
    expect(problems).toEqual([]);
    expect(settings).toMatchObject({
      url: 'http://cards:8080',
      timeout: 250,
      retry: { tries: 5, firstMs: 2_000 },
      circuit: { ratio: 0.25, failures: 5 },
      bulkhead: { limit: 10, queue: 3 },
    });
  });

  it('says everything that is wrong, in all of them, at once', () => {
    const dependencies = new Dependencies({
      environment: {
        RESILIENCE_PAYMENTS_TIMEOUT_MS: 'soon',
        RESILIENCE_PAYMENTS_RETRY_TRYS: '3',
        RESILIENCE_STOCK_LEVELS_BULKHEAD_LIMIT: '10',
        STOCK_URL: 'inventory:3002',
      },
    });
    dependencies.declare('payments', { circuit: { failures: 0, ratio: 2 } });
    dependencies.declare('stock');
    dependencies.declare('stock-levels');
    let problems: readonly string[] = [];
    try {
      dependencies.check();
    } catch (error) {
      ({ problems } = error as InvalidPolicy);
    }
    expect(problems).toEqual([
      'RESILIENCE_PAYMENTS_TIMEOUT_MS=soon is not a whole number from 1 to 86400000.',
      'payments: circuit.failures 0 is not a whole number from 1 to 1000000.',
      'payments: circuit.ratio 2 is not a number from 0.01 to 0.99.',
      expect.stringMatching(
        /^RESILIENCE_PAYMENTS_RETRY_TRYS is not known\. Known are: .*RESILIENCE_PAYMENTS_RETRY_TRIES/,
      ),
      "STOCK_URL: 'inventory:3002' is not a URL such as http://127.0.0.1:3003.",
    ]);
    expect(() => dependencies.get('payments').tryEnter()).toThrow(InvalidPolicy);
    expect(() => dependencies.get('shipping')).toThrow(/declared are: payments, stock, stock-levels/);
    expect(() => dependencies.declare('stock')).toThrow(/declared twice/);
  });
});

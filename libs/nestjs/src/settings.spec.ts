import { describe, expect, it } from '@jest/globals';
import { InvalidSettings, readSettings } from './index.js';

describe('settings', () => {
  it('have defaults that suit the embedded parts', () => {
    expect(readSettings('orders', {})).toEqual({
      eventStoreUrl: 'esdb://127.0.0.1:2113?tls=false',
      databaseUrl: 'postgres://postgres@127.0.0.1:54329',
      natsUrl: 'nats://127.0.0.1:4222',
      messagingTransport: 'nats',
      host: '127.0.0.1',
    });
  });

  it('take the port of the context before the port of the process; empty variables count as not set', () => {
    expect(readSettings('gift-cards', { PORT: '1', GIFT_CARDS_PORT: '2' }).port).toBe(2);
    expect(readSettings('orders', { PORT: '1', ORDERS_PORT: '' }).port).toBeUndefined();
    expect(readSettings('orders', { PORT: '1' }).port).toBe(1);
  });

  it('list everything that is wrong, each with its mend', () => {
    const environment = {
      EVENTSTORE_URL: 'http://x',
      DATABASE_URL: 'mysql://x',
      NATS_URL: 'x',
      PORT: 'seventy',
      MESSAGING_TRANSPORT: 'pigeon',
    };
    let problems: readonly string[] = [];
    try {
      readSettings('orders', environment);
    } catch (error) {
      if (error instanceof InvalidSettings) problems = error.problems;
    }
    for (const name of ['EVENTSTORE_URL', 'DATABASE_URL', 'NATS_URL', 'MESSAGING_TRANSPORT', 'port'])
      expect(problems.filter((problem) => problem.includes(name))).not.toEqual([]);
  });
});

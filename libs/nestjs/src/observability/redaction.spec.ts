import { describe, expect, it } from '@jest/globals';
import { redacted, redactedMark, redactedText } from './redaction.js';

describe('what is logged', () => {
  it('has no secrets and no personal data, wherever they stand', () => {
    const logged = redacted({
      orderId: 'o-1',
      customer: { customerId: 'c-1', email: 'jane@example.org', full_name: 'Jane Doe' },
      payments: [{ cardToken: 'tok_4242', amount: 450 }],
      headers: { Authorization: 'Bearer abc', 'set-cookie': ['sid=1'], accept: '*/*' },
    });
    expect(logged).toEqual({
      orderId: 'o-1',
      customer: { customerId: 'c-1', email: redactedMark, full_name: redactedMark },
      payments: [{ cardToken: redactedMark, amount: 450 }],
      headers: { Authorization: redactedMark, 'set-cookie': redactedMark, accept: '*/*' },
    });
  });

  it('tells errors whole, with their fields and causes, but for that', () => {
    const cause = new Error('password authentication failed for postgres://app:hunter2@db/orders');
    const error = Object.assign(new Error('No mail to jane@example.org.', { cause }), {
      code: 'MAIL',
      recipient: 'Jane',
    });
    const text = JSON.stringify(redacted({ error }));
    expect(JSON.parse(text)).toMatchObject({ error: { type: 'Error', code: 'MAIL', recipient: redactedMark } });
    for (const personal of ['jane@example.org', 'hunter2', '"Jane"']) expect(text).not.toContain(personal);
    expect(text).toContain('redaction.spec');
  });

  it('is JSON: positions, sets and what contains itself', () => {
    const loop: Record<string, unknown> = {};
    loop['loop'] = loop;
    expect(() => JSON.stringify(redacted({ position: 7n, all: new Set([1]), loop }))).not.toThrow();
    expect(redacted({ position: 7n })).toEqual({ position: '7' });
  });
});

describe('a text', () => {
  it.each([
    ['connect to nats://user:pass@host:4222 failed', 'connect to nats://[redacted]@host:4222 failed'],
    ['sent Authorization: Bearer abc.def-ghi', 'sent Authorization: Bearer [redacted]'],
    ['got eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJjIn0.c2ln', 'got [redacted]'],
    ['card 4242 4242 4242 4242 was declined', 'card [redacted] was declined'],
    ['mail to Jane.Doe+shop@mail.example.org bounced', 'mail to [redacted] bounced'],
    ['at http://127.0.0.1:3001/orders?x=1', 'at http://127.0.0.1:3001/orders?x=1'],
    ['position 4242424242424241, order-8f3c1f0a-5b7e-4f0e', 'position 4242424242424241, order-8f3c1f0a-5b7e-4f0e'],
    ['import @annals/core', 'import @annals/core'],
  ])('%s', (text, logged) => expect(redactedText(text)).toBe(logged));
});

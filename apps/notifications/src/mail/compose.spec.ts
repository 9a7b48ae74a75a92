import { describe, expect, it } from '@jest/globals';
import { compose } from './compose.js';

const lines = [
  { sku: 'tea', quantity: 2, unitPrice: { amount: 450, currency: 'EUR' } },
  { sku: 'mug & <spoon>', quantity: 1, unitPrice: { amount: 120_000, currency: 'EUR' } },
];

describe('the text of a mail', () => {
  it('lists what is confirmed, with prices', () => {
    const mail = compose('o-1', { kind: 'order-confirmed', lines, total: { amount: 120_900, currency: 'EUR' } });
    expect(mail.subject).toBe('Your order o-1 is confirmed');
    expect(mail.text).toContain('  2 x tea, €4.50 each\n  1 x mug & <spoon>, €1,200.00 each\n\nTogether: €1,209.00');
    expect(mail.html).toContain('<td>€4.50 each</td>');
  });

  it('escapes in HTML what others have written, and only there', () => {
    const mail = compose('o-1', { kind: 'order-cancelled', reason: '<b>no</b> stock' });
    expect(mail.html).toContain('(&lt;b&gt;no&lt;/b&gt; stock)');
    expect(mail.text).toContain('(<b>no</b> stock)');
    expect(mail.text).not.toContain('Your order');
  });

  it('gives the tracking number', () => {
    const mail = compose('o-1', { kind: 'order-dispatched', carrier: 'postbote', trackingNumber: 'PB-1' });
    expect(mail).toMatchObject({ subject: 'Your order o-1 is on its way' });
    for (const part of [mail.text, mail.html]) expect(part).toMatch(/postbote[\s\S]*PB-1/);
  });
});

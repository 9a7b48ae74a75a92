import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { connectionOptions, natsSettings } from './settings.js';
import { subjectToken } from './subject-token.js';

describe('the settings of the connection to NATS', () => {
  it('are read from the environment, where empty counts as not set', () => {
    expect(natsSettings({})).toEqual({ url: 'nats://127.0.0.1:4222' });
    expect(natsSettings({ NATS_URL: 'tls://n:1', NATS_CREDS: '/c', NATS_TOKEN: '', NATS_TLS_CA: '/ca' })).toEqual({
      url: 'tls://n:1',
      credsFile: '/c',
      tlsCaFile: '/ca',
    });
  });

  it('may name a cluster', () => {
    const { servers } = connectionOptions({ url: 'nats://one:4222, nats://two:4223,three' });
    expect(servers).toEqual(['one:4222', 'two:4223', 'three']);
  });

  it('ask for TLS when the URL or a file does', () => {
    expect(connectionOptions({ url: 'nats://n' }).tls).toBeUndefined();
    expect(connectionOptions({ url: 'tls://n' }).tls).toEqual({});
    expect(connectionOptions({ url: 'nats://n', tlsCaFile: '/ca' }).tls).toEqual({ caFile: '/ca' });
  });

  it.each([
    [{ url: 'http://n' }, /use nats:\/\/ or tls:\/\//],
    [{ url: 'nats://' }, /not a URL|names no host/],
    [{ url: 'nats://n', credsFile: '/nowhere/creds' }, /NATS_CREDS names the file '\/nowhere\/creds'/],
    [{ url: 'nats://n', nkeyFile: '/nowhere/seed' }, /NATS_NKEY names the file/],
  ])('say what is wrong with %j', (settings, reason) => {
    expect(() => connectionOptions(settings)).toThrow(reason);
  });
});

describe('the token of an aggregate', () => {
  it('is one token of a NATS subject, and another one for every other id', () => {
    const id = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(id, (text) => {
        const token = subjectToken(text);
        expect(token).toMatch(/^[^\s.*>\u0080-\uffff]+$/);
        expect(decodeURIComponent(token)).toBe(text);
      }),
    );
  });

  it.each(['', '\ud800'])('cannot be made of %j', (text) => {
    expect(() => subjectToken(text)).toThrow(expect.objectContaining({ code: 'MESSAGING_INVALID_SUBJECT' }));
  });
});

import { expect, it } from '@jest/globals';
import { readGatewaySettings } from './gateway.settings.js';

it('has a default for everything, and says everything that is wrong', () => {
  expect(readGatewaySettings({})).toEqual({
    host: '127.0.0.1',
    port: 3000,
    rateLimit: 6_000,
    corsOrigins: [],
    trustedProxies: [],
    rulesFile: undefined,
  });
  expect(
    readGatewaySettings({
      GATEWAY_PORT: '8080',
      PORT: '1',
      GATEWAY_CORS_ORIGINS: 'https://a.example, http://b.example:81',
    }),
  ).toMatchObject({ port: 8_080, corsOrigins: ['https://a.example', 'http://b.example:81'] });
  expect(() =>
    readGatewaySettings({ PORT: '70000', GATEWAY_RATE_LIMIT: 'many', GATEWAY_CORS_ORIGINS: 'https://a.example/shop' }),
  ).toThrow(/PORT must be.*\n.*GATEWAY_RATE_LIMIT must be.*\n.*'https:\/\/a.example\/shop' must be an origin/);
});

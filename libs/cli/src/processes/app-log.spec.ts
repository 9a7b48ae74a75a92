import { describe, expect, it } from '@jest/globals';
import { failureIn } from './app-log.js';

describe('what a log tells about a failure', () => {
  it("is the last error of Nest's logger, with the lines that belong to it, without colours and stack", () => {
    const log = [
      '\u001b[31m[Nest] 12  - \u001b[39m11/23/2026, 6:16:37 PM \u001b[31m  ERROR\u001b[39m [Context] an earlier one',
      '[Nest] 12  - 11/23/2026, 6:16:38 PM   ERROR [Context] NESTJS_INVALID_SETTINGS: The environment is not usable:',
      '  - NATS_URL must be a URL such as nats://127.0.0.1:4222',
      '    at readSettings (settings.ts:55:36)',
      '[Nest] 12  - 11/23/2026, 6:16:38 PM     LOG [Context] bye',
    ].join('\n');
    expect(failureIn(log)).toBe(
      '[Context] NESTJS_INVALID_SETTINGS: The environment is not usable:\n' +
        '  - NATS_URL must be a URL such as nats://127.0.0.1:4222',
    );
  });

  it('is the message of the last entry of level error in JSON logs', () => {
    const log = [
      '{"level":50,"msg":"failed","err":{"message":"port 3001 is taken"}}',
      '{"level":30,"msg":"bye"}',
      '{"level":60,"msg":"cut',
    ].join('\n');
    expect(failureIn(log)).toBe('port 3001 is taken');
  });

  it('is its last lines when there is no error in it', () => {
    expect(failureIn('one\n\ntwo\n    at x (y.ts:1:1)\n')).toBe('one\ntwo');
    expect(failureIn('')).toBe('');
  });
});

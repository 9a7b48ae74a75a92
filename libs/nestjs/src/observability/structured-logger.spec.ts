import { beforeEach, describe, expect, it } from '@jest/globals';
import { runInContext } from '@annals/core';
import { Logger } from '@nestjs/common';
import { InvalidSettings } from '../errors.js';
import { nestLog } from '../nest-log.js';
import { structuredLogger } from './structured-logger.js';

let lines: Record<string, unknown>[] = [];
const destination = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) };
const logTo = async (environment: NodeJS.ProcessEnv = {}): Promise<void> => {
  Logger.overrideLogger(await structuredLogger('orders', environment, destination));
};
beforeEach(() => {
  lines = [];
});

describe('the log', () => {
  it('is one JSON object a line, with who speaks, about what, in which conversation and trace', async () => {
    await logTo();
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    runInContext({ correlationId: 'c-7', traceparent }, () =>
      nestLog('Sagas').warn('It failed and is tried again.', { tries: 2, position: 12n }),
    );
    expect(lines).toEqual([
      expect.objectContaining({
        level: 40,
        service: 'orders',
        context: 'Sagas',
        msg: 'It failed and is tried again.',
        tries: 2,
        position: '12',
        correlationId: 'c-7',
        traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
      }),
    ]);
  });

  it("takes Nest's own lines as they come: with a stack, an error, or an object", async () => {
    await logTo();
    const nest = new Logger('Http');
    nest.error('POST /orders: INTERNAL_ERROR', 'Error: no\n    at there (file.js:1:2)');
    nest.error(new Error('It broke.'));
    nest.log({ some: 'thing' });
    expect(lines).toMatchObject([
      { level: 50, context: 'Http', msg: 'POST /orders: INTERNAL_ERROR', stack: expect.stringContaining('at there') },
      { level: 50, msg: 'It broke.', err: { type: 'Error', message: 'It broke.' } },
      { level: 30, msg: '{"some":"thing"}' },
    ]);
  });

  it('tells what Nest says at its start only to those who ask for it', async () => {
    await logTo();
    new Logger('RouterExplorer').log('Mapped {/orders, GET} route');
    expect(lines).toEqual([]);
    await logTo({ LOG_LEVEL: 'debug' });
    new Logger('RouterExplorer').log('Mapped {/orders, GET} route');
    expect(lines).toMatchObject([{ level: 20 }]);
  });

  it('has no secrets and no personal data', async () => {
    await logTo();
    nestLog('Mail').error('No mail to jane@example.org.', {
      email: 'jane@example.org',
      error: new Error('Bearer abc'),
    });
    expect(JSON.stringify(lines)).not.toMatch(/jane|abc/);
  });

  it('refuses a level that it does not know', async () => {
    await expect(structuredLogger('orders', { LOG_LEVEL: 'loud' })).rejects.toThrow(InvalidSettings);
  });
});

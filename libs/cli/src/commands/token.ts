/** `annals token`: a token for trying things out, by the key that the apps of this environment trust. */
import { InvalidArgumentError, type Command } from 'commander';
import { makeToken } from '../access/tokens.js';
import { WrongUse } from '../errors.js';
import { printLine, type Invocation } from '../invocation.js';
import { jsonLine } from '../output/json.js';

interface TokenOptions {
  readonly subject?: string;
  readonly role?: readonly string[];
  readonly validFor: number;
  readonly makeKey?: string;
  readonly json?: boolean;
}

export function addToken(program: Command, invocation: Invocation): void {
  program
    .command('token')
    .description('print a token for calls to the apps, signed with the key that they trust')
    .option('--role <role...>', 'what its bearer may be: operator, customer, service')
    .option('--subject <id>', "who its bearer is; for a customer, the customer's id (default: the role)")
    .option('--valid-for <duration>', 'such as 30s, 15m, 8h', seconds, 3_600)
    .option('--make-key <file>', 'instead: make a new private key in this file, for AUTH_KEY_FILE')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nThe key is AUTH_KEY_FILE, or the local one that `annals start` and `annals infra` use. Where AUTH_JWKS_URL is\n' +
        'set, tokens come from that identity provider; other commands take one as ANNALS_TOKEN.\n\n' +
        '  curl -H "authorization: Bearer $(annals token --role operator)" http://localhost:3001/admin/projections',
    )
    .action((options: TokenOptions) => token(options, invocation));
}

async function token({ json = false, makeKey, ...wanted }: TokenOptions, invocation: Invocation): Promise<void> {
  const { stdout } = invocation;
  if (makeKey !== undefined) {
    const { makeKeyFile } = await import('@annals/nestjs');
    await makeKeyFile(makeKey);
    return printLine(stdout, json ? jsonLine({ AUTH_KEY_FILE: makeKey }) : `AUTH_KEY_FILE=${makeKey}`);
  }
  const { role: roles, validFor } = wanted;
  if (roles === undefined) throw new WrongUse('Say what the bearer may be, for instance: annals token --role operator');
  const subject = wanted.subject ?? roles[0] ?? '';
  const made = await makeToken({ subject, roles, validFor }, invocation);
  printLine(stdout, json ? jsonLine({ token: made, subject, roles, validFor }) : made);
}

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };
const longest = 30 * 86_400;

function seconds(text: string): number {
  const [, amount = '', unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const value = Number(amount) * (unitSeconds[unit] ?? 0);
  if (!(value > 0 && value <= longest))
    throw new InvalidArgumentError('It must be for instance 15m or 8h, at most 30d.');
  return value;
}

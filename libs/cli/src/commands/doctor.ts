/** `annals doctor`: looks for whatever keeps the shop from working, and says what to do. */
import type { Command } from 'commander';
import { checkApp, checkNatsServer, checkNode, checkPart, type Finding } from '../doctor/checks.js';
import { SomethingWrong } from '../errors.js';
import { printLine, type Invocation } from '../invocation.js';
import { jsonLine } from '../output/json.js';
import { neededParts } from '../parts/parts.js';
import { openWorkspace } from '../workspace.js';

export function addDoctor(program: Command, invocation: Invocation): void {
  program
    .command('doctor')
    .description('check Node, the parts, ports and apps; exit code 1 when something must be done')
    .option('--json', 'print JSON')
    .action((options: { json?: boolean }) => doctor(options, invocation));
}

async function doctor({ json = false }: { json?: boolean }, invocation: Invocation): Promise<void> {
  const { apps } = openWorkspace(invocation);
  const host = invocation.env['HOST'] || '127.0.0.1';
  const [parts, ofApps] = await Promise.all([
    Promise.all(neededParts(invocation).map((part) => checkPart(part, invocation))),
    Promise.all(apps.map((app) => checkApp(app, host))),
  ]);
  const nats = checkNatsServer(invocation);
  const findings = [checkNode(), ...(nats ? [nats] : []), ...judgedTogether(parts, ofApps), ...ofApps];

  if (json) printLine(invocation.stdout, jsonLine(findings));
  else for (const line of findings.flatMap(linesOf)) printLine(invocation.stdout, line);
  const wrong = findings.filter(({ state }) => state === 'wrong').length;
  if (wrong > 0) throw new SomethingWrong(wrong);
}

/** That a part does not run is wrong as soon as something runs that needs it. */
export function judgedTogether(parts: readonly Finding[], apps: readonly Finding[]): Finding[] {
  const isUp = ({ state }: Finding) => state !== 'idle';
  const needed = parts.some(({ state }) => state === 'ok') || apps.some(isUp);
  return parts.map((part) => (part.state === 'idle' && needed ? { ...part, state: 'wrong' } : part));
}

const signs = { ok: '✔', idle: '-', wrong: '✖' } as const;

const linesOf = ({ about, state, says, todo }: Finding): string[] => [
  `${signs[state]} ${about.padEnd(12)} ${says}`,
  ...(todo === undefined ? [] : [`  ${''.padEnd(12)} → ${todo}`]),
];

/** `annals infra`: only the parts, for apps that are started one by one. */
import type { Command } from 'commander';
import { provideAccess } from '../access/tokens.js';
import { printLine, type Invocation } from '../invocation.js';
import { runSteps } from '../output/steps.js';
import { partSteps } from '../parts/parts.js';
import { inForeground } from '../processes/foreground.js';
import { SupervisedProcesses } from '../processes/supervised-processes.js';

export function addInfra(program: Command, invocation: Invocation): void {
  program
    .command('infra')
    .description('start only the parts (event store, Postgres, NATS) and stay until Ctrl-C')
    .option('--json', 'print what apps need as one JSON object instead of NAME=value lines')
    .addHelpText(
      'after',
      '\nPrints on stdout what apps need to be started with, when all parts are ready; everything else on stderr.',
    )
    .action((options: { json?: boolean }) => infra(options, invocation));
}

async function infra({ json = false }: { json?: boolean }, invocation: Invocation): Promise<void> {
  const { stdout, stderr } = invocation;
  const processes = new SupervisedProcesses((line) => printLine(stderr, `  ! ${line}`));
  await inForeground({
    run: async () => {
      const { steps, urls } = partSteps(invocation, processes);
      // The parts listen on loopback only, wherever the apps are going to.
      const access = await provideAccess({ ...invocation, env: { ...invocation.env, HOST: undefined } });
      await runSteps(steps, stderr);
      const variables = { ...urls(), ...access };
      if (json) printLine(stdout, JSON.stringify(variables));
      else for (const [name, value] of Object.entries(variables)) printLine(stdout, `${name}=${value}`);
      printLine(stderr, 'The parts are up. Ctrl-C stops them.');
      return 'stay';
    },
    cleanUp: () => processes.stop(),
  });
}

/** `annals infra`: only the parts, for apps that are started one by one. */
import type { Command } from 'commander';
import { printLine, type Invocation } from '../invocation.js';
import { runSteps } from '../output/steps.js';
import { partSteps } from '../parts/parts.js';
import { inForeground } from '../processes/foreground.js';
import { SupervisedProcesses } from '../processes/supervised-processes.js';

export function addInfra(program: Command, invocation: Invocation): void {
  program
    .command('infra')
    .description('start only the parts (event store, Postgres, NATS) and stay until Ctrl-C')
    .option('--json', 'print the URLs as one JSON object instead of NAME=value lines')
    .addHelpText('after', '\nPrints the URLs of the parts on stdout when all are ready, everything else on stderr.')
    .action((options: { json?: boolean }) => infra(options, invocation));
}

async function infra({ json = false }: { json?: boolean }, invocation: Invocation): Promise<void> {
  const { stdout, stderr } = invocation;
  const processes = new SupervisedProcesses((line) => printLine(stderr, `  ! ${line}`));
  await inForeground({
    run: async () => {
      const { steps, urls } = partSteps(invocation, processes);
      await runSteps(steps, stderr);
      if (json) printLine(stdout, JSON.stringify(urls()));
      else for (const [name, url] of Object.entries(urls())) printLine(stdout, `${name}=${url}`);
      printLine(stderr, 'The parts are up. Ctrl-C stops them.');
      return 'stay';
    },
    cleanUp: () => processes.stop(),
  });
}

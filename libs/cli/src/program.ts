/** All commands of `annals`, one file per noun. */
import { Command } from 'commander';
import { addContracts } from './commands/contracts.js';
import { addDoctor } from './commands/doctor.js';
import { addInfra } from './commands/infra.js';
import { addMessages } from './commands/messages.js';
import { addProjections } from './commands/projections.js';
import { addReactors } from './commands/reactors.js';
import { addSagas } from './commands/sagas.js';
import { addServer } from './commands/server.js';
import { addStart } from './commands/start.js';
import { addToken } from './commands/token.js';
import { addWhy } from './commands/why.js';
import type { Invocation } from './invocation.js';

export function buildProgram(invocation: Invocation): Command {
  const program = new Command('annals')
    .description('Event-sourced NestJS applications: run them, look into them, mend them.')
    .showHelpAfterError('(--help shows how it is used)')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void invocation.stdout.write(text),
      writeErr: (text) => void invocation.stderr.write(text),
    })
    .addHelpText('after', '\nExit codes: 0 done, 1 failed, 2 wrong use. DEBUG=1 shows where an error comes from.');
  addStart(program, invocation);
  addInfra(program, invocation);
  addServer(program, invocation);
  addProjections(program, invocation);
  addToken(program, invocation);
  addWhy(program, invocation);
  addSagas(program, invocation);
  addReactors(program, invocation);
  addMessages(program, invocation);
  addContracts(program, invocation);
  addDoctor(program, invocation);
  return program;
}

/** The `annals` command as a process. */
import { runCli } from './run-cli.js';

const { env, stdin, stdout, stderr } = process;
process.exit(await runCli(process.argv.slice(2), { env, cwd: process.cwd(), stdin, stdout, stderr }));

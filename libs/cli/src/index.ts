export type { Invocation, TextStream } from './invocation.js';
export { runCli } from './run-cli.js';

/** Steps that run at the same time, shown as a list with spinners in a terminal and as plain lines elsewhere. */
import { Listr, ListrLogger, ProcessOutput } from 'listr2';
import { printLine, type TextStream } from '../invocation.js';

export interface Step {
  readonly name: string;
  /** @returns what the step led to, in a few words */
  readonly run: (progress: (line: string) => void) => Promise<string>;
}

const nameWidth = 13;

/** Runs all steps at once and waits for all of them. @throws the first error, when every step has ended */
export async function runSteps(steps: readonly Step[], stream: TextStream): Promise<void> {
  const errors: unknown[] = [];
  const watched = steps.map((step) => ({
    ...step,
    run: async (progress: (line: string) => void) => {
      try {
        return await step.run(progress);
      } catch (error) {
        errors.push(error);
        throw error;
      }
    },
  }));
  await (stream.isTTY ? showList(watched, stream) : printLines(watched, stream));
  if (errors.length > 0) throw errors[0];
}

const titleOf = (name: string, says: string): string => `${name.padEnd(nameWidth)} ${says}`;
const seconds = (sinceMs: number): string => `(${((performance.now() - sinceMs) / 1000).toFixed(1)} s)`;

async function showList(steps: readonly Step[], stream: TextStream): Promise<void> {
  const list = new Listr(
    steps.map(({ name, run }) => ({
      title: titleOf(name, 'starting'),
      task: async (_: unknown, task: { title: string; output: string }) => {
        const began = performance.now();
        try {
          const says = await run((line) => (task.output = line));
          task.title = titleOf(name, `${says} ${seconds(began)}`);
        } catch (error) {
          task.title = titleOf(name, 'failed');
          throw error;
        }
      },
    })),
    {
      concurrent: true,
      exitOnError: false,
      registerSignalListeners: false,
      renderer: 'default',
      rendererOptions: {
        formatOutput: 'truncate',
        // Errors are told once, by whoever ends the command.
        showErrorMessage: false,
        logger: new ListrLogger({ useIcons: true, processOutput: outputTo(stream) }),
      },
    },
  );
  await list.run();
}

/** listr2 draws on the first stream and holds back what others write to both meanwhile. */
const outputTo = (stream: TextStream): ProcessOutput =>
  stream === process.stderr
    ? new ProcessOutput(process.stderr, process.stdout)
    : new ProcessOutput(process.stdout, process.stderr);

async function printLines(steps: readonly Step[], stream: TextStream): Promise<void> {
  await Promise.allSettled(
    steps.map(async ({ name, run }) => {
      const began = performance.now();
      const say = (line: string) => printLine(stream, `  ${titleOf(name, line)}`);
      try {
        say(`${await run(say)} ${seconds(began)}`);
      } catch (error) {
        say(`failed ${seconds(began)}`);
        throw error;
      }
    }),
  );
}

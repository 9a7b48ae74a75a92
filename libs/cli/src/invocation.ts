/** What a command is called with besides its arguments. */
export interface TextStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface Invocation {
  readonly env: Readonly<NodeJS.ProcessEnv>;
  readonly cwd: string;
  readonly stdin: NodeJS.ReadableStream;
  /** For what was asked for. */
  readonly stdout: TextStream;
  /** For what goes on, and for errors. */
  readonly stderr: TextStream;
}

export const printLine = (stream: TextStream, line = ''): void => void stream.write(`${line}\n`);

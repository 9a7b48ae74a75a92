/** A server in a process of its own, for tests that kill it or limit it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const SCRIPT = join(import.meta.dirname, 'serve.mjs');

export class ServerProcess {
  private constructor(
    readonly process: ChildProcess,
    readonly url: string,
  ) {}

  get port(): number {
    return Number(new URL(this.url.replace('esdb:', 'http:')).port);
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  /** @param fileSizeLimit 512-byte blocks that a file may have; the limit can be lifted later */
  static async start(options: object, fileSizeLimit?: number): Promise<ServerProcess> {
    const command = [process.execPath, SCRIPT, JSON.stringify(options)];
    const child =
      fileSizeLimit === undefined
        ? spawn(command[0] ?? '', command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] })
        : spawn('sh', ['-c', `ulimit -S -f ${fileSizeLimit}; exec "$0" "$@"`, ...command], {
            stdio: ['ignore', 'pipe', 'pipe'],
          });
    let errors = '';
    child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    const url = await Promise.race([
      once(child.stdout ?? child, 'data').then(([chunk]) => String(chunk).trim()),
      once(child, 'exit').then(([code]) =>
        Promise.reject(new Error(`the server ended with ${String(code)}: ${errors}`)),
      ),
    ]);
    return new ServerProcess(child, url);
  }

  /** Ends it as a power failure of the process would. */
  async kill(): Promise<void> {
    const gone = once(this.process, 'exit');
    this.process.kill('SIGKILL');
    await gone;
  }

  /** Ends it in order; resolves with the milliseconds that took. */
  async stop(): Promise<number> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return 0;
    const gone = once(this.process, 'exit');
    const since = performance.now();
    this.process.kill('SIGTERM');
    await gone;
    return performance.now() - since;
  }
}

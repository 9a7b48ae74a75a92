/** An HTTP server that does what each test tells it to, and remembers what it was asked. */
import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export type Behaviour = (response: ServerResponse, request: IncomingMessage) => void;

export const answer =
  (status: number, body: unknown, headers: Record<string, string> = {}): Behaviour =>
  (response) =>
    void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));

export class MisbehavingServer {
  readonly asked: Asked[] = [];
  /** Requests whose client went away before it had its answer. */
  aborted = 0;
  /** What happens to the next requests, in turn; the last one stays. */
  behaves: Behaviour[] = [answer(200, { ok: true })];

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(): Promise<MisbehavingServer> {
    const server = createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const started = new MisbehavingServer(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    server.on('request', (request, response) => started.serve(request, response));
    return started;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private serve(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('close', () => (this.aborted += response.writableFinished ? 0 : 1));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      this.asked.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
      const behaviour = this.behaves.length > 1 ? this.behaves.shift() : this.behaves[0];
      behaviour?.(response, request);
    });
  }
}

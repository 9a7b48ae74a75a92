/** The gateway, compiled and in a process of its own, before contexts that behave as told. */
import { freePort } from '@annals/embedded';
import { localToken } from '@annals/nestjs';
import { AppProcess } from '../shop/app-process.js';
import { MisbehavingContext } from './misbehaving-context.js';

/** The header of somebody who may do everything; of a customer, for what customers may. */
export const asOperator = async () => ({
  authorization: `Bearer ${await localToken({ subject: 'op', roles: ['operator'] }, 60)}`,
});
export const asCustomer = async (subject: string) => ({
  authorization: `Bearer ${await localToken({ subject, roles: ['customer'] }, 60)}`,
});

const names = ['orders', 'inventory', 'payments', 'shipping'] as const;
type ContextName = (typeof names)[number];

export class GatewayBed {
  private constructor(
    readonly gateway: AppProcess,
    readonly contexts: Readonly<Record<ContextName, MisbehavingContext>>,
    private readonly others: readonly MisbehavingContext[],
  ) {}

  static async start(
    environment: Readonly<Record<string, string>> = {},
    others: readonly MisbehavingContext[] = [],
  ): Promise<GatewayBed> {
    const started = await Promise.all(names.map((name) => MisbehavingContext.start(name)));
    const contexts = Object.fromEntries(started.map((each) => [each.name, each])) as GatewayBed['contexts'];
    const urls = Object.fromEntries(started.map(({ name, url }) => [`${name.toUpperCase()}_URL`, url]));
    const port = await freePort();
    const gateway = new AppProcess('gateway', { ...urls, PORT: String(port), ...environment }, port);
    await gateway.start();
    return new GatewayBed(gateway, contexts, others);
  }

  async stop(): Promise<void> {
    await this.gateway.end('SIGTERM');
    await Promise.all([...Object.values(this.contexts), ...this.others].map((context) => context.down()));
  }

  /** As an operator, unless the headers say who asks. */
  async get<Body = Record<string, unknown>>(path: string, headers: Record<string, string> = {}) {
    return this.request<Body>(path, { headers });
  }

  async request<Body = Record<string, unknown>>(path: string, init: RequestInit) {
    const headers = new Headers(init.headers);
    if (!headers.has('authorization')) headers.set('authorization', (await asOperator()).authorization);
    const response = await fetch(`${this.gateway.url}${path}`, { ...init, headers });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json');
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: (isJson && text !== '' ? JSON.parse(text) : undefined) as Body,
    };
  }

  /** The gateway's own view of a context's circuit. */
  async circuitOf(context: string): Promise<string | undefined> {
    const { body } = await this.get<{ name: string; circuit: string }[]>('/health/contexts');
    return body.find(({ name }) => name === context)?.circuit;
  }
}

import { afterEach, describe, expect, it } from '@jest/globals';
import { isMeasuring, isTracing } from '@annals/core';
import { fastify, type FastifyInstance } from 'fastify';
import { observeRequests } from './http-requests.js';
import { serveMetrics } from './metrics-endpoint.js';
import { startTelemetry, type Telemetry } from './telemetry.js';

let telemetry: Telemetry | undefined;
let server: FastifyInstance | undefined;
afterEach(async () => {
  await server?.close();
  await telemetry?.stop();
});

async function serve(environment: NodeJS.ProcessEnv): Promise<string> {
  telemetry = await startTelemetry('spec', environment);
  server = fastify();
  observeRequests(server);
  serveMetrics(server, telemetry);
  server.get('/things/:id', () => 'thing');
  return server.listen({ port: 0, host: '127.0.0.1' });
}

describe('/metrics', () => {
  it('tells requests by their routes, never by their paths', async () => {
    const url = await serve({});
    await (await fetch(`${url}/things/of-jane?secret=1`)).text();
    const text = await (await fetch(`${url}/metrics`)).text();
    expect(text).toMatch(/^http_server_request_duration_seconds_count\{.*http_route="\/things\/:id".*\} 1$/m);
    expect(text).toContain('service_name="spec"');
    expect(text).not.toMatch(/jane|secret/);
  });

  it('asks for its token, where it has one', async () => {
    const url = `${await serve({ METRICS_TOKEN: 'let me see' })}/metrics`;
    const statusWith = async (authorization?: string) =>
      (await fetch(url, { headers: authorization === undefined ? {} : { authorization } })).status;
    expect(await statusWith()).toBe(401);
    expect(await statusWith('Bearer let me sea')).toBe(401);
    expect(await statusWith('Bearer let me see')).toBe(200);
  });

  it('is not there when nothing is measured', async () => {
    const url = await serve({ OTEL_SDK_DISABLED: 'true' });
    expect((await fetch(`${url}/metrics`)).status).toBe(404);
    expect([isMeasuring(), isTracing()]).toEqual([false, false]);
  });
});

describe('what contexts of one process share', () => {
  it('ends with the last of them', async () => {
    const one = await startTelemetry('one', {});
    const other = await startTelemetry('other', {});
    await one.stop();
    await one.stop();
    expect(isMeasuring()).toBe(true);
    await other.stop();
    expect(isMeasuring()).toBe(false);
  });
});

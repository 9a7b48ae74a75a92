// Load at a fixed rate, whatever the answers do: the time of a request counts from when it was due, so that a server that
// stops is not spared the requests that it would have got meanwhile.
import { Client } from 'undici';
import { percentile } from '../harness/statistics.mjs';

/**
 * @param paths the path of each connection, in turn
 * @returns by path: the 99th percentile in ms, and how many answers of which status
 */
export async function paced({ url, connections, perSecond, seconds, paths, headers }) {
  const gapMs = (1_000 * connections) / perSecond;
  const results = new Map(paths.map((path) => [path, { times: [], statuses: {} }]));
  const began = performance.now() + 50;
  const endAt = began + seconds * 1_000;
  await Promise.all(
    Array.from({ length: connections }, async (_, index) => {
      const path = paths[index % paths.length];
      const { times, statuses } = results.get(path);
      const client = new Client(url, { headersTimeout: 0, bodyTimeout: 0 });
      for (let due = began + (gapMs * index) / connections; due < endAt; due += gapMs) {
        const early = due - performance.now();
        if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
        const status = await answered(client, path, headers);
        times.push(performance.now() - due);
        statuses[status] = (statuses[status] ?? 0) + 1;
      }
      await client.destroy();
    }),
  );
  return new Map([...results].map(([path, { times, statuses }]) => [path, { p99: percentile(times, 0.99), statuses }]));
}

async function answered(client, path, headers) {
  try {
    const { statusCode, body } = await client.request({ method: 'GET', path, headers });
    await body.dump();
    return statusCode;
  } catch (error) {
    return error.code ?? 'failed';
  }
}

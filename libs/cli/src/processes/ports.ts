/** Ports that apps are to have. */
import { createServer } from 'node:net';
import { freePort } from '@annals/embedded';
import { AppPortTaken } from '../errors.js';
import type { App } from '../workspace.js';

/** Whether nobody listens on `port` of `host`. */
export function isPortFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Apps with port 0 get a free one. @throws AppPortTaken naming every port that is taken */
export async function settlePorts(apps: readonly App[], host: string): Promise<App[]> {
  const settled: App[] = [];
  for (const app of apps) settled.push(app.port === 0 ? { ...app, port: await freePort() } : app);
  const free = await Promise.all(settled.map(({ port }) => isPortFree(port, host)));
  const taken = settled.filter((_, index) => !free[index]);
  if (taken.length > 0)
    throw new AppPortTaken(taken.map(({ name, port, portVariable }) => ({ app: name, port, variable: portVariable })));
  return settled;
}

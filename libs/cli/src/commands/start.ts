/** `annals start`: the parts, the apps, and one order's journey through them. */
import { join, relative } from 'node:path';
import type { Command } from 'commander';
import { makeToken, operatorToken, provideAccess } from '../access/tokens.js';
import { JourneyNotCompleted, WrongUse } from '../errors.js';
import { printLine, type Invocation, type TextStream } from '../invocation.js';
import { putStockIn, sampleOrder, takeJourney, type Journey } from '../journey/sample-order.js';
import { playManyOrders, type ManyOrders } from '../journey/many-orders.js';
import { ShopClient, type AppUrls } from '../journey/shop-client.js';
import { orderJson, orderLine, stageLine, tryNext } from '../journey/show-journey.js';
import { standingLine, summaries, summaryTable, type Summary } from '../journey/show-many-orders.js';
import { liveLine } from '../output/live-line.js';
import { runSteps } from '../output/steps.js';
import { partSteps, type PartUrls } from '../parts/parts.js';
import { launchApp, urlOf, type AppSurroundings } from '../processes/app-process.js';
import { inForeground } from '../processes/foreground.js';
import { settlePorts } from '../processes/ports.js';
import { SupervisedProcesses } from '../processes/supervised-processes.js';
import { openWorkspace, runtimeDir, type App, type Workspace } from '../workspace.js';

interface StartOptions {
  readonly once?: boolean;
  readonly json?: boolean;
  readonly orders?: string;
  readonly decline?: string;
  readonly carrierFlaky?: boolean;
}

const journeyWithinMs = 60_000;

export function addStart(program: Command, invocation: Invocation): void {
  program
    .command('start')
    .description('start the parts and all apps, show the journey of a sample order, and stay until Ctrl-C')
    .option('--once', 'end after the journey; exit code 1 when the order does not arrive within 60 s')
    .option('--json', 'print the journey as JSON on stdout, everything else on stderr')
    .option('--orders <number>', 'play so many orders at once in place of the sample order')
    .option('--decline <share>', 'with --orders: how many cards are declined, for instance 10%')
    .option('--carrier-flaky', 'the simulated carrier is slow, and fails three times in ten')
    .addHelpText('after', environmentHelp)
    .action((options: StartOptions) => start(options, invocation));
}

const environmentHelp = `
Environment:
  EVENTSTORE_URL, DATABASE_URL, NATS_URL      use a part of your own instead of starting one
  EVENTSTORE_PORT, POSTGRES_PORT, NATS_PORT   ports of the parts that are started (2113, 54329, 4222; 0: any free one)
  <APP>_PORT                                  port of an app, for instance ORDERS_PORT (3001)
  MESSAGING_TRANSPORT                         nats, or eventstore: no broker; default: nats where a nats-server can be had
  NATS_SERVER_PATH                            folders to look for nats-server in, in place of PATH
  HOST                                        address that the apps listen on (127.0.0.1)
  AUTH_JWKS_URL or AUTH_KEY_FILE              whose tokens the apps trust (a key made on this machine)
  ANNALS_TOKEN                                an operator's token, where others issue them
  ANNALS_RUNTIME                              folder of all data and logs (.runtime)`;

async function start(options: StartOptions, invocation: Invocation): Promise<void> {
  const { once = false, json = false, carrierFlaky = false } = options;
  const many = manyOrders(options);
  const workspace = openWorkspace(invocation);
  const screen = json ? invocation.stderr : invocation.stdout;
  const tell = (line: string) => printLine(screen, `  ! ${line}`);
  const parts = new SupervisedProcesses(tell);
  const apps = new SupervisedProcesses(tell);

  await inForeground({
    run: async ({ signal }) => {
      const urls = await bringUp(
        workspace,
        carrierFlaky ? withFlakyCarrier(invocation) : invocation,
        { parts, apps },
        screen,
      );
      if (many) {
        const rows = await manyJourneys(urls, invocation, signal, screen, many);
        if (json) printLine(invocation.stdout, JSON.stringify({ orders: rows, urls }));
        if (once) return 'done';
        printLine(screen, `\nEverything is up. Ctrl-C stops it.`);
        return 'stay';
      }
      const journey = await sampleJourney(urls, invocation, signal, screen, once);
      if (journey && json) printLine(invocation.stdout, JSON.stringify({ ...journey, urls }));
      if (journey && !json) printLine(screen, orderJson(journey));
      if (once) return 'done';
      if (journey)
        for (const line of ['', ...tryNext(urls, journey, await tokenToTry(invocation))]) printLine(screen, line);
      printLine(screen, `\nEverything is up. Ctrl-C stops it.`);
      return 'stay';
    },
    cleanUp: async (stoppedBy) => {
      const began = performance.now();
      if (stoppedBy !== undefined) printLine(screen, `\nStopping the apps, then the parts`);
      await apps.stop();
      await parts.stop();
      if (stoppedBy !== undefined) printLine(screen, `Stopped (${((performance.now() - began) / 1000).toFixed(1)} s)`);
    },
  });
}

/** @throws WrongUse */
function manyOrders({ orders, decline }: StartOptions): ManyOrders | undefined {
  if (orders === undefined) {
    if (decline !== undefined) throw new WrongUse('--decline goes with --orders.');
    return undefined;
  }
  if (!/^\d{1,5}$/.test(orders) || Number(orders) === 0)
    throw new WrongUse(`--orders ${orders}: use a whole number from 1 to 99999.`);
  const [, percent] = /^(\d{1,3})%$/.exec(decline ?? '0%') ?? [];
  if (percent === undefined || Number(percent) > 100)
    throw new WrongUse(`--decline ${decline}: use a share from 0% to 100%.`);
  return { orders: Number(orders), declined: Number(percent) / 100 };
}

const withFlakyCarrier = (invocation: Invocation): Invocation => ({
  ...invocation,
  env: { ...invocation.env, CARRIER_FAILING: '0.3', CARRIER_LATENCY_MS: '100' },
});

/** @throws OrdersNotSettled */
async function manyJourneys(
  urls: AppUrls,
  invocation: Invocation,
  stopped: AbortSignal,
  screen: TextStream,
  many: ManyOrders,
): Promise<Summary[]> {
  const shop = new ShopClient(urls, await operatorToken(invocation), stopped);
  printLine(screen, `\n${many.orders} orders, ${Math.round(many.declined * 100)}% of the cards are declined`);
  const line = liveLine(screen);
  try {
    const settled = await playManyOrders(shop, many, stopped, (standing) => {
      const { text, drawn } = standingLine(standing);
      line.show(text, drawn);
    });
    line.end();
    const rows = summaries(settled);
    for (const row of ['', ...summaryTable(rows)]) printLine(screen, row);
    return rows;
  } catch (error) {
    line.end();
    throw error;
  }
}

/** @returns the URLs of the apps, which are ready */
async function bringUp(
  workspace: Workspace,
  invocation: Invocation,
  processes: { readonly parts: SupervisedProcesses; readonly apps: SupervisedProcesses },
  screen: TextStream,
): Promise<AppUrls> {
  const host = invocation.env['HOST'] || '127.0.0.1';
  const apps = await settlePorts(workspace.apps, host);
  const runtime = runtimeDir(invocation);
  const parts = partSteps(invocation, processes.parts);
  const access = await provideAccess(invocation);
  printLine(screen, `Annals starts the shop. Data and logs are in ${shortened(runtime, invocation.cwd)}\n`);
  await runSteps(parts.steps, screen);

  const env = { ...urlVariables(apps, host), ...invocation.env, ...(parts.urls() satisfies PartUrls), ...access };
  const around: AppSurroundings = { root: workspace.root, logDir: join(runtime, 'logs'), host, env };
  return startApps(apps, around, processes.apps, screen);
}

/** Where the apps find each other, as `<APP>_URL`. */
const urlVariables = (apps: readonly App[], host: string): Record<string, string> =>
  Object.fromEntries(apps.map((app) => [app.portVariable.replace(/_PORT$/, '_URL'), urlOf(app, host)]));

async function startApps(
  apps: readonly App[],
  around: AppSurroundings,
  processes: SupervisedProcesses,
  screen: TextStream,
): Promise<AppUrls> {
  const urls = new Map<string, string>();
  const steps = apps.map((app) => ({
    name: app.name,
    run: async () => {
      try {
        const { url } = await processes.start(app.name, (signal) => launchApp(app, around, signal));
        urls.set(app.name, url);
        return url;
      } catch (error) {
        // Without one of them there is no shop: the others need not be waited for.
        void processes.stop();
        throw error;
      }
    },
  }));
  await runSteps(steps, screen);
  return Object.fromEntries(apps.map(({ name }) => [name, urls.get(name) ?? '']));
}

/** @returns undefined when it was not confirmed and that is no reason to end (`mustConfirm`) */
async function sampleJourney(
  urls: AppUrls,
  invocation: Invocation,
  stopped: AbortSignal,
  screen: TextStream,
  mustConfirm: boolean,
): Promise<Journey | undefined> {
  const signal = AbortSignal.any([stopped, AbortSignal.timeout(journeyWithinMs)]);
  try {
    const shop = new ShopClient(urls, await operatorToken(invocation), signal);
    const stock = await putStockIn(shop, sampleOrder);
    printLine(screen, `\n${orderLine(sampleOrder, stock)}`);
    return await takeJourney(shop, sampleOrder, signal, (stage) => printLine(screen, stageLine(stage)));
  } catch (error) {
    const failure = signal.aborted && !(error instanceof JourneyNotCompleted) ? stuckBefore(error) : error;
    if (mustConfirm || stopped.aborted || !(failure instanceof Error)) throw failure;
    printLine(screen, `  ! ${failure.message}`);
    return undefined;
  }
}

/** For the sample order's customer, as long as somebody may try things out; undefined where others issue tokens. */
async function tokenToTry(invocation: Invocation): Promise<string | undefined> {
  if (invocation.env['AUTH_JWKS_URL']) return undefined;
  const { customerId: subject } = sampleOrder;
  return makeToken({ subject, roles: ['customer'], validFor: 12 * 3_600 }, invocation);
}

const stuckBefore = (cause: unknown) =>
  new JourneyNotCompleted(undefined, 'no stock could be put in within 60 s: inventory does not answer.', { cause });

const shortened = (path: string, cwd: string): string => {
  const below = relative(cwd, path);
  return below === '' || below.startsWith('..') ? path : below;
};

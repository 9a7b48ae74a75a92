/** What people see of many orders. Pure text. */
import { bar } from '../output/progress-bar.js';
import { table, type Cell } from '../output/table.js';
import type { Settled, Standing } from './many-orders.js';

/** In the order in which an order passes through them. */
const underWay = ['placed', 'stock-reserved', 'paid'];

/** How far they are: for a line that is printed, and with a bar for one that is drawn. */
export function standingLine({ orders, byStatus, elapsedMs }: Standing): {
  readonly text: string;
  readonly drawn: string;
} {
  const { confirmed = 0, cancelled = 0 } = byStatus;
  const done = confirmed + cancelled;
  const open = underWay.filter((status) => byStatus[status]).map((status) => `${byStatus[status]} ${status}`);
  const perSecond = elapsedMs > 0 ? (done / elapsedMs) * 1_000 : 0;
  const text =
    `${done} of ${orders} orders: ${confirmed} fulfilled, ${cancelled} compensated` +
    `${open.length > 0 ? `; ${open.join(', ')}` : ''} (${perSecond.toFixed(1)}/s)`;
  return { text: `  ${text}`, drawn: `  ${bar({ done, total: orders })} ${text}` };
}

export interface Summary {
  readonly outcome: string;
  readonly orders: number;
  readonly p50Ms: number | undefined;
  readonly p95Ms: number | undefined;
}

/** A row for each outcome, those of compensated ones by their reason, and one for all. */
export function summaries(settled: readonly Settled[]): Summary[] {
  const compensated = settled.filter(({ outcome }) => outcome === 'compensated');
  const reasons = [...new Set(compensated.map(({ reason }) => reason ?? 'no reason given'))].sort();
  return [
    summary(
      'fulfilled',
      settled.filter(({ outcome }) => outcome === 'fulfilled'),
    ),
    ...reasons.map((reason) =>
      summary(
        `compensated: ${reason}`,
        compensated.filter((each) => (each.reason ?? 'no reason given') === reason),
      ),
    ),
    summary('all', settled),
  ];
}

export const summaryTable = (rows: readonly Summary[]): string[] =>
  table(
    ['outcome', 'orders', 'p50 ms', 'p95 ms'],
    rows.map(({ outcome, orders, p50Ms, p95Ms }): Cell[] => [outcome, orders, p50Ms, p95Ms]),
  );

function summary(outcome: string, of: readonly Settled[]): Summary {
  const times = of.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
  return { outcome, orders: of.length, p50Ms: percentile(times, 0.5), p95Ms: percentile(times, 0.95) };
}

/** Nearest rank; undefined: there are none. */
function percentile(sorted: readonly number[], share: number): number | undefined {
  const value = sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
  return value === undefined ? undefined : Math.round(value);
}

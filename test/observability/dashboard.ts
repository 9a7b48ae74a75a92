/** What the dashboard asks Prometheus for, and what an app exports. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';

const file = resolve('ops', 'observability', 'grafana', 'dashboards', 'annals.json');

interface Dashboard {
  readonly templating: { readonly list: readonly { readonly query: { readonly query: string } }[] };
  readonly panels: readonly { readonly targets?: readonly { readonly expr?: string }[] }[];
}

/** The metrics that the dashboard's queries name. */
export async function metricsOfDashboard(): Promise<string[]> {
  const { panels, templating } = JSON.parse(await readFile(file, 'utf8')) as Dashboard;
  const queries = [
    ...panels.flatMap(({ targets = [] }) => targets.flatMap(({ expr }) => expr ?? [])),
    ...templating.list.map(({ query }) => query.query),
  ];
  return [...new Set(queries.flatMap(metricsOf))].sort();
}

/** A metric is what stands before labels, or what the values of a label are asked of; all other words are PromQL's. */
const metricsOf = (query: string): string[] =>
  [...query.matchAll(/\b([a-z][a-z_]*)(?=\{)|\blabel_values\(([a-z_]+)/g)].map(
    ([, plain, asked]) => plain ?? asked ?? '',
  );

/** The metrics in Prometheus' text format, as queries name them. */
export const metricsIn = (text: string): string[] => [
  ...new Set([...text.matchAll(/^([a-z_]+)[{ ]/gm)].map(([, name = '']) => name)),
];

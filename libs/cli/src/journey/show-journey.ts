/** What people see of the sample order. Pure text. */
import { compactJson } from '../output/compact-json.js';
import { filledLines } from '../output/filled-lines.js';
import type { SeenStage } from './follow-order.js';
import { sampleOrder, type Journey } from './sample-order.js';
import { entryTo, type AppUrls, type OrderRequest } from './shop-client.js';

export function orderLine({ lines }: OrderRequest, stock: Readonly<Record<string, number>>): string {
  const ordered = lines.map(({ sku, quantity }) => `${quantity} ${sku}`).join(', ');
  const inStock = Object.entries(stock).map(([sku, pieces]) => `${pieces} ${sku}`);
  return `A sample order of ${ordered} (in stock: ${inStock.join(', ')})`;
}

export const stageLine = ({ name, context, afterMs, reason }: SeenStage): string =>
  `${String(afterMs).padStart(6)} ms  ${name.padEnd(17)} ${context}${reason === undefined ? '' : `: ${reason}`}`;

/** Somebody else's system: it has no pages of ours. */
const carrier = 'carrier';

/** The final read model. */
export const orderJson = ({ order }: Journey): string => compactJson(order);

/**
 * What to do now that everything runs.
 * @param token of the sample order's customer; undefined where the reader has to bring one
 */
export function tryNext(urls: AppUrls, { orderId }: Journey, token: string | undefined): string[] {
  const orders = entryTo(urls, 'orders');
  const body = JSON.stringify({ ...sampleOrder, lines: sampleOrder.lines.slice(0, 1) });
  const documents = Object.entries(urls)
    .filter(([app]) => app !== carrier)
    .map(([app, url]) => `${url}/docs (${app})`);
  return [
    'Try next',
    ...labelled('OpenAPI', filledLines(documents, '  ', 110)),
    ...labelled('token', [`TOKEN=${token ?? '… (from your identity provider)'}`]),
    ...labelled('query', [`curl ${bearer} ${orders}/orders/${orderId}`, `curl ${bearer} ${orders}/orders`]),
    ...labelled('order', [`curl ${bearer} ${orders}/orders -H 'content-type: application/json' -d '${body}'`]),
    ...labelled('operate', [
      `curl ${operator} ${urls['orders'] ?? ''}/admin/projections`,
      `curl ${operator} '${entryTo(urls, 'notifications')}/mails?orderId=${orderId}'`,
    ]),
  ];
}

const operator = '-H "authorization: Bearer $(npx annals token --role operator)"';
const bearer = '-H "authorization: Bearer $TOKEN"';

const labelled = (label: string, lines: readonly string[]): string[] =>
  lines.map((line, index) => `  ${(index === 0 ? label : '').padEnd(8)} ${line}`);

/** What people see of the sample order. Pure text. */
import { compactJson } from '../output/compact-json.js';
import type { SeenStage } from './follow-order.js';
import { sampleOrder, type Journey } from './sample-order.js';
import type { AppUrls, OrderRequest } from './shop-client.js';

export function orderLine({ lines }: OrderRequest, stock: Readonly<Record<string, number>>): string {
  const ordered = lines.map(({ sku, quantity }) => `${quantity} ${sku}`).join(', ');
  const inStock = Object.entries(stock).map(([sku, pieces]) => `${pieces} ${sku}`);
  return `A sample order of ${ordered} (in stock: ${inStock.join(', ')})`;
}

export const stageLine = ({ name, context, afterMs, reason }: SeenStage): string =>
  `${String(afterMs).padStart(6)} ms  ${name.padEnd(17)} ${context}${reason === undefined ? '' : `: ${reason}`}`;

/** What to do now that everything runs. */
export function tryNext(urls: AppUrls, { orderId, order }: Journey): string[] {
  const orders = urls['orders'] ?? '';
  const body = JSON.stringify({ ...sampleOrder, lines: sampleOrder.lines.slice(0, 1) });
  return [
    compactJson(order),
    '',
    'Try next',
    ...Object.entries(urls).map(
      ([app, url], index) => `  ${(index === 0 ? 'OpenAPI' : '').padEnd(8)} ${url}/docs  (${app})`,
    ),
    `  ${'query'.padEnd(8)} ${orders}/orders/${orderId}`,
    `  ${''.padEnd(8)} ${orders}/orders?customerId=${sampleOrder.customerId}`,
    `  ${'order'.padEnd(8)} curl ${orders}/orders -H 'content-type: application/json' -d '${body}'`,
  ];
}

// An old shop as there are many: one process, one table, everything in place. Nothing of Annals is in it; it is here to be moved
// away from (docs/guides/strangling-a-legacy-shop.md).
//   DATABASE_URL=postgres://... PORT=3900 node examples/legacy-shop/legacy-shop.mjs
import Fastify from 'fastify';
import pg from 'pg';
import { randomUUID } from 'node:crypto';

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });
await pool.query(`
  CREATE TABLE IF NOT EXISTS legacy_shop (
    kind text NOT NULL, id text NOT NULL, data jsonb NOT NULL, PRIMARY KEY (kind, id)
  )`);
const find = async (kind, id) =>
  (await pool.query('SELECT data FROM legacy_shop WHERE kind = $1 AND id = $2', [kind, id])).rows[0]?.data;
const save = (kind, id, data) =>
  pool.query('INSERT INTO legacy_shop VALUES ($1, $2, $3) ON CONFLICT (kind, id) DO UPDATE SET data = $3', [
    kind,
    id,
    data,
  ]);

const shop = Fastify({ forceCloseConnections: true });
const found = (reply, thing) => thing ?? reply.code(404).send({ error: 'not found' });

shop.get('/stock/:sku', async ({ params }, reply) => found(reply, await find('stock', params.sku)));

shop.post('/stock/:sku/receipts', async ({ params: { sku }, body: { quantity } }, reply) => {
  const { available = 0, allocated = 0 } = (await find('stock', sku)) ?? {};
  await save('stock', sku, { sku, available: available + quantity, allocated });
  return reply.code(201).send({ sku });
});

shop.post('/orders', async ({ body: { customerId, lines } }, reply) => {
  const orderId = `legacy-${randomUUID()}`;
  await save('order', orderId, { orderId, customerId, lines, status: 'confirmed' });
  return reply.code(201).send({ orderId });
});

shop.get('/orders/:orderId', async ({ params }, reply) => found(reply, await find('order', params.orderId)));

await shop.listen({ port: Number(process.env.PORT ?? 3900), host: '127.0.0.1' });
console.log(`legacy shop listens on http://127.0.0.1:${shop.server.address().port}`);
const stop = () =>
  void shop
    .close()
    .then(() => pool.end())
    .then(() => process.exit(0));
process
  .once('SIGTERM', stop)
  .once('SIGINT', stop)
  .once('disconnect', () => process.exit(0));

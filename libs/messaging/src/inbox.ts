/**
 * The inbox, for handlers that write rows in Postgres: in the transaction that holds the effect, remember the message;
 * a message that is remembered already has had its effect.
 *
 *     await client.query('begin');
 *     if (await firstDelivery(client, 'invoicing', message.id)) await client.query('insert into invoices …');
 *     await client.query('commit');
 */

/** What is needed of a `pg` client; it must be one connection, not a pool, inside a transaction. */
export interface SqlClient {
  query(text: string, values?: unknown[]): Promise<{ readonly rowCount: number | null }>;
}

/** Creates the table when it is missing. */
export async function createInbox(client: SqlClient): Promise<void> {
  await client.query(`
    create table if not exists message_inbox (
      consumer text not null,
      message_id text not null,
      received_at timestamptz not null default now(),
      primary key (consumer, message_id)
    )`);
}

/**
 * Whether `consumer` gets this message for the first time; remembers it if so. A second transaction with the same message
 * waits here until the first one ends, and then knows.
 */
export async function firstDelivery(client: SqlClient, consumer: string, messageId: string): Promise<boolean> {
  const { rowCount } = await client.query(
    'insert into message_inbox (consumer, message_id) values ($1, $2) on conflict do nothing',
    [consumer, messageId],
  );
  return rowCount === 1;
}

/**
 * Forgets messages received before `before`. Keep them for longer than the broker may deliver again and dead letters wait.
 * @returns how many were forgotten
 */
export async function pruneInbox(client: SqlClient, before: Date): Promise<number> {
  const { rowCount } = await client.query('delete from message_inbox where received_at < $1', [before]);
  return rowCount ?? 0;
}

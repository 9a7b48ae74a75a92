/**
 * Publishes every message between the contexts once more, as a broker or a publisher may after a lost acknowledgement:
 * most at once, some only when it is told that much time has passed. JetStream does not recognize the copies, since
 * they carry no message id; the consumers must.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { connect, headers, type Msg, type NatsConnection } from '@nats-io/transport-node';

const copyHeader = 'Test-Copy';
/** What carries messages; the broker's own subjects (`$JS…`) and answers are not among them. */
const subjects = ['events.>', 'commands.>'];

export class MessageDuplicator {
  private readonly heldBack: Msg[] = [];
  private copies = 0;
  private seen = 0;
  private ended = false;

  private constructor(
    private readonly connection: NatsConnection,
    private readonly holdBackEvery: number,
  ) {}

  /** @param holdBackEvery every how manieth copy waits for {@link publishHeldBack} */
  static async start(natsUrl: string, holdBackEvery: number): Promise<MessageDuplicator> {
    const connection = await connect({ servers: natsUrl, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
    const duplicator = new MessageDuplicator(connection, holdBackEvery);
    for (const subject of subjects)
      connection.subscribe(subject, { callback: (_, message) => duplicator.copy(message) });
    await connection.flush();
    return duplicator;
  }

  get published(): number {
    return this.copies;
  }

  /** The copies that were held back until now. */
  async publishHeldBack(): Promise<number> {
    const late = this.heldBack.splice(0);
    for (const message of late) this.publish(message);
    await this.connection.flush();
    return late.length;
  }

  async stop(): Promise<void> {
    this.ended = true;
    await Promise.race([this.connection.drain(), delay(2_000, undefined, { ref: false })]);
    await this.connection.close();
  }

  private copy(message: Msg): void {
    if (this.ended || message.headers?.has(copyHeader)) return;
    this.seen++;
    if (this.seen % this.holdBackEvery === 0) this.heldBack.push(message);
    else this.publish(message);
  }

  private publish({ subject, data, headers: original }: Msg): void {
    const marked = headers();
    for (const name of original?.keys() ?? [])
      if (!name.startsWith('Nats-')) for (const value of original?.values(name) ?? []) marked.append(name, value);
    marked.set(copyHeader, '1');
    this.connection.publish(subject, data, { headers: marked });
    this.copies++;
  }
}

/** What a group has delivered and not heard of since. One id may be out more than once: links to the same event, or a replay. */
import type { Message } from './message.js';

interface Delivery<Consumer> {
  readonly message: Message;
  readonly consumer: Consumer;
  /** Milliseconds since the epoch. */
  readonly deadline: number;
}

export class InFlight<Consumer> {
  private readonly byId = new Map<string, Delivery<Consumer>[]>();

  get size(): number {
    let count = 0;
    for (const list of this.byId.values()) count += list.length;
    return count;
  }

  add(delivery: Delivery<Consumer>): void {
    const same = this.byId.get(delivery.message.id);
    if (same) same.push(delivery);
    else this.byId.set(delivery.message.id, [delivery]);
  }

  /** Takes back what the consumer holds under this id, if anything. */
  take(consumer: Consumer, id: string): Message | undefined {
    const list = this.byId.get(id);
    const delivery = list?.find((other) => other.consumer === consumer);
    if (!list || !delivery) return undefined;
    if (list.length === 1) this.byId.delete(id);
    else list.splice(list.indexOf(delivery), 1);
    return delivery.message;
  }

  /** Takes back all that the consumer holds, in the order of delivery. */
  takeAll(consumer: Consumer): Message[] {
    const taken: Message[] = [];
    for (const [id, list] of this.byId) {
      const rest = list.filter((delivery) => delivery.consumer !== consumer);
      if (rest.length === list.length) continue;
      for (const delivery of list) if (delivery.consumer === consumer) taken.push(delivery.message);
      if (rest.length > 0) this.byId.set(id, rest);
      else this.byId.delete(id);
    }
    return taken;
  }

  late(now: number): Delivery<Consumer>[] {
    const late: Delivery<Consumer>[] = [];
    for (const list of this.byId.values())
      for (const delivery of list) if (delivery.deadline <= now) late.push(delivery);
    return late;
  }
}

/**
 * Several pieces of work under one lease, for what has to be in the same instance: the inputs of sagas come in messages
 * too, and two instances that append to one saga's stream would only keep each other busy.
 */
import type { Leases } from '@annals/messaging';

type Lease = Parameters<Leases['want']>[0];

export class JointLease implements Leases {
  private readonly parts: Lease[] = [];
  private held = false;

  constructor(
    private readonly leases: Leases,
    private readonly name: string,
  ) {}

  want(part: Lease): void {
    this.parts.push(part);
    if (this.held) part.gained();
    if (this.parts.length > 1) return;
    this.leases.want({
      name: this.name,
      gained: () => {
        this.held = true;
        for (const each of this.parts) each.gained();
      },
      lost: async () => {
        this.held = false;
        await Promise.all(this.parts.map((each) => each.lost()));
      },
    });
  }
}

/**
 * Keeps the order when a durable consumer is taken up again. What was under way when the last connection or process was
 * lost comes again only after JetStream's ack wait, but newer messages come at once. The gate holds everything back until
 * those that were under way are there too, and then gives them in the order of the stream.
 */
export class RedeliveryGate<Message extends { readonly seq: number }> {
  private held: Message[] = [];
  private readonly seen = new Set<number>();

  /**
   * @param deliveredUpTo sequence of the newest message that was delivered before
   * @param missing how many up to there are neither acknowledged nor in hand
   */
  constructor(
    private readonly deliveredUpTo: number,
    private missing: number,
  ) {}

  get isOpen(): boolean {
    return this.missing <= 0;
  }

  /** What is held back, in order. */
  get waiting(): readonly Message[] {
    return this.held;
  }

  /** Says that a message came again whose effect is done already. */
  seenAgain(seq: number): Message[] {
    this.count(seq);
    return this.isOpen ? this.open() : [];
  }

  /** @returns the messages whose turn it is now */
  add(message: Message): Message[] {
    if (this.isOpen) return [message];
    if (!this.held.some(({ seq }) => seq === message.seq)) this.held.push(message);
    this.count(message.seq);
    return this.isOpen ? this.open() : [];
  }

  /** Waits for no more. */
  open(): Message[] {
    this.missing = 0;
    const released = this.held.sort((one, other) => one.seq - other.seq);
    this.held = [];
    return released;
  }

  private count(seq: number): void {
    if (seq > this.deliveredUpTo || this.seen.has(seq)) return;
    this.seen.add(seq);
    this.missing--;
  }
}

/**
 * The folding of an event as a span in the trace of the request that led to it: from when its batch was taken until its
 * row and the checkpoint are committed. Only new events of recorded traces have one: whatever catches up with history, or
 * builds anew, makes none.
 */
import { endSpan, isSampled, isTracing, startSpan } from '@annals/core';
import type { RecordedEvent } from '@annals/event-store';

type Span = ReturnType<typeof startSpan>;

/** Older events are history; in ms. */
const newForMs = 60_000;

export class FoldSpans {
  private open: { readonly position: bigint; readonly span: Span }[] = [];

  constructor(
    private readonly readModel: string,
    private readonly concerns: (eventType: string) => boolean,
  ) {}

  taken(events: readonly RecordedEvent[]): void {
    if (!isTracing()) return;
    const since = Date.now() - newForMs;
    for (const { event, at } of events) {
      const { traceparent: parent, position, created } = at;
      if (parent === undefined || created.getTime() < since || !isSampled(parent) || !this.concerns(event.type))
        continue;
      const attributes = () => ({
        'annals.read_model': this.readModel,
        'annals.event.type': event.type,
        'annals.stream': at.stream,
        'annals.correlation_id': at.correlationId,
      });
      this.open.push({ position, span: startSpan(`fold ${this.readModel}`, { kind: 'consumer', parent, attributes }) });
    }
  }

  committed(position: bigint): void {
    if (this.open.length === 0) return;
    for (const { span } of this.open.filter((fold) => fold.position <= position)) endSpan(span);
    this.open = this.open.filter((fold) => fold.position > position);
  }

  /** The events will be taken again. */
  failed(error: unknown): void {
    for (const { span } of this.open) endSpan(span, { error });
    this.open = [];
  }
}

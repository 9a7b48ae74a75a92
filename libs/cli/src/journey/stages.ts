/** The stages of an order's journey, as the read models of four contexts show them. Pure. */
import type { OrderView } from './shop-client.js';

export type StageName =
  | 'placed'
  | 'stock reserved'
  | 'stock rejected'
  | 'payment taken'
  | 'payment declined'
  | 'shipment arranged'
  | 'shipment refused'
  | 'stock released'
  | 'payment refunded'
  | 'shipment cancelled'
  | 'confirmed'
  | 'dispatched'
  | 'delivered'
  | 'cancelled';

export interface Stage {
  readonly name: StageName;
  /** The context in which it happens. */
  readonly context: string;
  /** Why, where it is said. */
  readonly reason?: string;
}

interface StageDefinition {
  readonly name: StageName;
  readonly context: string;
  readonly seenIn: (view: OrderView) => boolean;
  readonly reasonIn?: (view: OrderView) => string | null | undefined;
}

/** An order that got this far has been through what comes before it. */
const progress = ['placed', 'stock-reserved', 'paid', 'confirmed'];
const got = (view: OrderView, status: string): boolean =>
  progress.indexOf(view.order?.status ?? '') >= progress.indexOf(status);
const reservationIs = (view: OrderView, ...statuses: string[]) => statuses.includes(view.reservation?.status ?? '');
const paymentIs = (view: OrderView, ...statuses: string[]) => statuses.includes(view.payment?.status ?? '');

const shipmentIs = ({ order, shipment }: OrderView, ...statuses: string[]) =>
  statuses.includes(shipment?.status ?? '') || statuses.includes(order?.shipment ?? '');

/** In the order in which they happen, the way back included. */
const definitions: readonly StageDefinition[] = [
  { name: 'placed', context: 'orders', seenIn: ({ order }) => order !== undefined },
  {
    name: 'stock reserved',
    context: 'inventory',
    seenIn: (view) => reservationIs(view, 'reserved', 'released') || got(view, 'stock-reserved'),
  },
  { name: 'stock rejected', context: 'inventory', seenIn: (view) => reservationIs(view, 'rejected') },
  {
    name: 'payment taken',
    context: 'payments',
    seenIn: (view) => paymentIs(view, 'taken', 'refunded') || got(view, 'paid'),
  },
  {
    name: 'payment declined',
    context: 'payments',
    seenIn: (view) => paymentIs(view, 'declined'),
    reasonIn: ({ payment }) => payment?.reason,
  },
  {
    name: 'shipment arranged',
    context: 'shipping',
    seenIn: (view) => shipmentIs(view, 'arranged', 'dispatched', 'delivered', 'cancelled') || got(view, 'confirmed'),
  },
  {
    name: 'shipment refused',
    context: 'shipping',
    seenIn: (view) => shipmentIs(view, 'refused'),
    reasonIn: ({ shipment }) => shipment?.reason,
  },
  { name: 'shipment cancelled', context: 'shipping', seenIn: (view) => shipmentIs(view, 'cancelled') },
  { name: 'payment refunded', context: 'payments', seenIn: (view) => paymentIs(view, 'refunded') },
  { name: 'stock released', context: 'inventory', seenIn: (view) => reservationIs(view, 'released') },
  { name: 'confirmed', context: 'orders', seenIn: (view) => view.order?.status === 'confirmed' },
  {
    name: 'dispatched',
    context: 'shipping',
    seenIn: (view) => shipmentIs(view, 'dispatched', 'delivered'),
  },
  { name: 'delivered', context: 'shipping', seenIn: (view) => shipmentIs(view, 'delivered') },
  {
    name: 'cancelled',
    context: 'orders',
    seenIn: (view) => view.order?.status === 'cancelled',
    reasonIn: ({ order }) => order?.reason,
  },
];

/**
 * The stages that `view` shows. Read models are behind each other by moments: as long as the order itself is not to be
 * seen, nothing is.
 */
export function stagesIn(view: OrderView): Stage[] {
  if (view.order === undefined) return [];
  return definitions
    .filter(({ seenIn }) => seenIn(view))
    .map(({ name, context, reasonIn }) => {
      const reason = reasonIn?.(view);
      return { name, context, ...(reason && { reason }) };
    });
}

/** The order has arrived, or it never will. */
export const isOver = (view: OrderView): boolean =>
  view.order?.status === 'cancelled' || (view.order?.status === 'confirmed' && shipmentIs(view, 'delivered'));

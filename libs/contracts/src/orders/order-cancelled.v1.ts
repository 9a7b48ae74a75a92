import { IntegrationEvent } from '@annals/messaging';
import { IsNotEmpty, IsString, MaxLength } from 'class-validator';

export class OrderCancelledData {
  @IsString()
  @IsNotEmpty()
  @MaxLength(200)
  orderId!: string;

  @IsString()
  @IsNotEmpty()
  @MaxLength(200)
  customerId!: string;

  /** Why, in words for people. */
  @IsString()
  @IsNotEmpty()
  @MaxLength(500)
  reason!: string;
}

/** The order will not be fulfilled; what was done for it is undone. */
export class OrderCancelled extends IntegrationEvent('orders.order-cancelled.v1', OrderCancelledData, {
  subject: ({ orderId }) => orderId,
  description: 'The order will not be fulfilled; what was done for it is undone.',
  example: { orderId: '7f1c0d9e', customerId: 'customer-17', reason: 'payment declined: insufficient funds' },
}) {}

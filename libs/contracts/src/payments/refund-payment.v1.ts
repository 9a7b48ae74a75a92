import { IntegrationCommand } from '@annals/messaging';
import { IsNotEmpty, IsString, MaxLength } from 'class-validator';

export class RefundPaymentData {
  @IsString()
  @IsNotEmpty()
  @MaxLength(200)
  orderId!: string;

  @IsString()
  @IsNotEmpty()
  @MaxLength(500)
  reason!: string;
}

/** Give back the money that was taken for an order; nothing happens when none was. */
export class RefundPayment extends IntegrationCommand('payments.refund-payment.v1', RefundPaymentData, {
  subject: ({ orderId }) => orderId,
  description: 'Give back the money that was taken for an order; nothing happens when none was.',
  example: { orderId: '7f1c0d9e', reason: 'the carrier refused the shipment' },
}) {}

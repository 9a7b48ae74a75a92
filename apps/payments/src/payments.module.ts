import { BoundedContextModule } from '@annals/nestjs';
import { Module } from '@nestjs/common';
import { payment } from './domain/payment/payment.decider.js';
import { PaymentsController } from './http/payments.controller.js';
import { onRefundPayment, onTakePayment } from './integration/consumes/payment-requested.js';
import { paymentDeclinedV1, paymentRefundedV1, paymentTakenV1 } from './integration/publishes/payment-published.js';
import { payments } from './read-models/payment/payment.projection.js';
import { PaymentQueries } from './read-models/payment/payment.queries.js';

/** The map: all that the payments context is made of. */
@Module({
  imports: [
    BoundedContextModule.register({
      name: 'payments',
      deciders: [payment],
      readModels: [payments],
      publishes: [paymentTakenV1, paymentDeclinedV1, paymentRefundedV1],
      consumes: [onTakePayment, onRefundPayment],
    }),
  ],
  controllers: [PaymentsController],
  providers: [PaymentQueries],
})
export class PaymentsModule {}

// The plain way to take an order with Nest 12, Fastify and TypeORM: a validated body, a checked token, a row. The request and
// the row are the orders app's own. Environment: PORT, DATABASE_URL, AUTH_KEY_FILE.
import 'reflect-metadata';
import { nestLog, readTrust, TokenVerifier } from '@annals/nestjs';
import { Module, ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { TypeOrmModule } from '@nestjs/typeorm';
import { OrderSummary } from '../../../apps/orders/src/read-models/order-summary/order-summary.entity.js';
import { HealthController, OrdersController } from './orders.controller.js';

const { PORT, DATABASE_URL: url = '' } = process.env;

@Module({
  imports: [
    TypeOrmModule.forRoot({ type: 'postgres', url, entities: [OrderSummary], synchronize: true }),
    TypeOrmModule.forFeature([OrderSummary]),
  ],
  controllers: [OrdersController, HealthController],
  providers: [
    { provide: TokenVerifier, useFactory: () => TokenVerifier.open(readTrust(process.env), nestLog('Security')) },
  ],
})
class CrudModule {}

const app = await NestFactory.create<NestFastifyApplication>(CrudModule, new FastifyAdapter(), {
  logger: ['error', 'warn'],
});
app
  .useGlobalPipes(new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true, transform: true }))
  .enableShutdownHooks();
await app.listen(Number(PORT), '127.0.0.1');

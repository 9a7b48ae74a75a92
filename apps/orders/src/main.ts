import { runContext } from '@annals/nestjs';
import { OrdersModule } from './orders.module.js';

await runContext(OrdersModule, { port: 3001 });

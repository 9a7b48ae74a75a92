import { runContext } from '@annals/nestjs';
import { ShippingModule } from './shipping.module.js';

await runContext(ShippingModule, { port: 3004 });

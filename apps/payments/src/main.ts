import { runContext } from '@annals/nestjs';
import { PaymentsModule } from './payments.module.js';

await runContext(PaymentsModule, { port: 3003 });

import { runContext } from '@annals/nestjs';
import { InventoryModule } from './inventory.module.js';

await runContext(InventoryModule, { port: 3002 });

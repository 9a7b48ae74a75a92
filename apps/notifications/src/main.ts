import { runContext } from '@annals/nestjs';
import { NotificationsModule } from './notifications.module.js';

await runContext(NotificationsModule, { port: 3005 });

import { listen, runProcess } from '@annals/nestjs';
import { createGateway } from './create-gateway.js';
import { readGatewaySettings } from './gateway.settings.js';

await runProcess(async (logger) => {
  const settings = readGatewaySettings(process.env);
  const app = await createGateway(settings);
  await listen(app, settings.port, settings.host, 'GATEWAY_PORT');
  logger.log(`gateway listens on ${await app.getUrl()}`);
});

// The peer: a workflow of five steps of DBOS on the same Postgres, in this process.
import { createDatabaseIfMissing } from '@annals/embedded';
import { DBOS } from '@dbos-inc/dbos-sdk';
import { timed } from './orders.mjs';

const steps = ['reserve stock', 'take payment', 'arrange shipment', 'send mail', 'confirm'];

export async function dbosOn(postgresUrl) {
  const systemDatabaseUrl = await createDatabaseIfMissing(postgresUrl, 'dbos');
  DBOS.setConfig({ name: 'bench', systemDatabaseUrl, logLevel: 'error', runAdminServer: false });
  const fulfil = DBOS.registerWorkflow(
    async (orderId) => {
      for (const name of steps) await DBOS.runStep(async () => ({ orderId, name }), { name });
    },
    { name: 'fulfil' },
  );
  await DBOS.launch();
  return {
    run: (count, inFlight) => timed(count, inFlight, (i) => fulfil(`order-${i}`)),
    stop: () => DBOS.shutdown(),
  };
}

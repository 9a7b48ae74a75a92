import { workerPart } from './worker-part.js';

export interface TestNats {
  /** `nats://127.0.0.1:<port>` */
  readonly url: string;
}

/** The nats-server of this Jest worker, with JetStream. The files of a worker share it: isolate by prefix. */
export const testNats = async (): Promise<TestNats> => ({ url: await workerPart('nats') });

/** Jest's `globalTeardown`: ends the parts that jest-global-setup.ts started, and waits until they are gone. */
import { endParts } from './jest-global-setup.js';

export default async function jestGlobalTeardown(): Promise<void> {
  await endParts();
}

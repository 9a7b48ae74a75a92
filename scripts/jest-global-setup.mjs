// Jest loads this file natively, not through its transform: so the test bed's compiled code is used here, made current first.
// The parts that tests start as processes of their own run compiled code as well.
import { build } from './build.mjs';

export default async function globalSetup(globalConfig) {
  await build();
  const { default: setUp } = await import('@annals/testing/jest-global-setup');
  await setUp(globalConfig);
}

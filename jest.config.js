/** Three layers: `unit` is pure, `integration` runs on real parts, `e2e` runs the whole shop in processes of its own. */
const layer = (displayName, testMatch, more = {}) => ({
  displayName,
  rootDir: import.meta.dirname,
  roots: ['<rootDir>/apps', '<rootDir>/libs', '<rootDir>/test'],
  testMatch,
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['annals-source', 'node', 'node-addons'] },
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': ['@swc/jest'] },
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/(apps|libs)/[^/]+/dist', '<rootDir>/.runtime'],
  transformIgnorePatterns: ['/node_modules/'],
  ...more,
});

/** A Postgres and a nats-server for each worker, for the tests that ask for them; and time for processes to start and end. */
const realParts = {
  testTimeout: 30_000,
  globalSetup: '<rootDir>/scripts/jest-global-setup.mjs',
  globalTeardown: '<rootDir>/scripts/jest-global-teardown.mjs',
};

export default {
  maxWorkers: 2,
  // A hang is found by this; what must be quick is checked by `eventually`.
  testTimeout: 60_000,
  projects: [
    layer('unit', ['**/*.spec.ts', '!**/*.integration.spec.ts', '!**/*.e2e.spec.ts']),
    layer('integration', ['**/*.integration.spec.ts'], {
      ...realParts,
      setupFiles: ['<rootDir>/scripts/jest-quiet.mjs'],
    }),
    layer('e2e', ['**/*.e2e.spec.ts'], realParts),
  ],
};

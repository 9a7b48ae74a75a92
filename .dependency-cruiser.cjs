/** The arrows of the house: apps -> nestjs -> {projections, messaging, sagas} -> event-store -> core. See docs/architecture.md. */
const lib = (...names) => `^libs/(${names.join('|')})/`;

/** Which packages of ours each package may import; whoever is not listed imports none. */
const mayImport = {
  core: [],
  server: ['core'],
  resilience: ['core'],
  'event-store': ['core'],
  projections: ['core', 'event-store'],
  messaging: ['core', 'event-store'],
  sagas: ['core', 'event-store', 'messaging'],
  contracts: ['core', 'messaging'],
  nestjs: ['core', 'event-store', 'projections', 'messaging', 'sagas', 'resilience'],
  embedded: ['core', 'server'],
  testing: ['core', 'event-store', 'projections', 'messaging', 'sagas', 'server', 'embedded'],
  cli: ['core', 'event-store', 'projections', 'messaging', 'sagas', 'nestjs', 'server', 'embedded', 'contracts'],
};
const spec = '\\.spec\\.ts$';

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    ...Object.entries(mayImport).map(([name, allowed]) => ({
      name: `${name}-imports-only-what-it-stands-on`,
      severity: 'error',
      from: { path: lib(name), pathNot: [spec, `^libs/${name}/test/`] },
      to: { path: '^libs/', pathNot: lib(name, ...allowed) },
    })),
    {
      name: 'specs-may-also-use-testing',
      comment:
        'Tests of a package may use the test bed and the embedded parts, and nothing else that the package may not.',
      severity: 'error',
      from: { path: `^libs/(core|server|event-store|projections|messaging|sagas|resilience|contracts)/.*${spec}` },
      to: { path: lib('nestjs', 'cli') },
    },
    {
      name: 'framework-free',
      comment: 'These packages serve any Node program.',
      severity: 'error',
      from: { path: lib('core', 'event-store', 'projections', 'resilience', 'server', 'embedded'), pathNot: spec },
      to: { path: 'node_modules/@nestjs/' },
    },
    {
      name: 'one-door',
      comment: 'Other packages are imported by their name, that is by their index.ts, never by a file inside.',
      severity: 'error',
      from: { path: '^(libs|apps)/([^/]+)/' },
      to: {
        path: '^libs/([^/]+)/src/',
        pathNot: ['^libs/$2/', '^libs/[^/]+/src/index\\.ts$', '^libs/testing/src/jest-global-(setup|teardown)\\.ts$'],
      },
    },
    {
      name: 'no-app-imports-another-app',
      severity: 'error',
      from: { path: '^apps/([^/]+)/' },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'pure-domain',
      comment: 'The domain knows no Nest, no I/O, no clock: only core.',
      severity: 'error',
      from: { path: '^apps/[^/]+/src/domain/', pathNot: spec },
      to: { pathNot: ['^apps/[^/]+/src/domain/', lib('core')] },
    },
    { name: 'no-library-imports-an-app', severity: 'error', from: { path: '^libs/' }, to: { path: '^apps/' } },
    {
      name: 'declared-dependencies',
      severity: 'error',
      from: { path: '^libs/', pathNot: spec },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['npm-peer'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)dist/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    combinedDependencies: false,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['annals-source', 'import', 'node', 'default'],
      extensions: ['.ts', '.js', '.json'],
    },
  },
};

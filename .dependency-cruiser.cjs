// The direction between rooms: cli → story → rooms → shared. A rule here is a promise of the design: services talk through shared/ only,
// kafkajs sits behind its port, undici behind the transport, so either can be exchanged in one place.
module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true, dependencyTypesNot: ['type-only'] } },
    {
      name: 'services-never-import-each-other',
      severity: 'error',
      from: { path: '^services/(fetcher|loader|operator)/' },
      to: { path: '^services/(fetcher|loader|operator|stack|sample-api)/', pathNot: '^services/$1/' },
    },
    {
      name: 'stack-imports-no-service',
      severity: 'error',
      from: { path: '^services/(stack|sample-api)/' },
      to: { path: '^services/(fetcher|loader|operator)/' },
    },
    { name: 'shared-imports-no-service', severity: 'error', from: { path: '^shared/' }, to: { path: '^services/' } },
    {
      name: 'nothing-imports-the-door',
      severity: 'error',
      from: { pathNot: '^services/cli\\.ts$' },
      to: { path: '^services/cli\\.ts$' },
    },
    {
      name: 'the-product-imports-no-test',
      severity: 'error',
      from: { path: '^(services|shared)/' },
      to: { path: '^(test|bench)/' },
    },
    {
      name: 'kafkajs-behind-its-port',
      severity: 'error',
      from: { path: '^(services|shared|test|bench)/', pathNot: '^(shared/kafka/|bench/plain-loader\\.ts$)' },
      to: { path: 'node_modules/kafkajs/' },
    },
    {
      name: 'undici-behind-the-transport',
      severity: 'error',
      from: {
        path: '^(services|shared)/',
        pathNot: '^(services/fetcher/http/transport/|services/stack/|services/sample-api/)',
      },
      to: { path: 'node_modules/undici/' },
    },
    {
      name: 'clickhouse-behind-writer-table-and-its-port',
      severity: 'error',
      from: {
        path: '^(services|shared)/',
        pathNot:
          '^(shared/clickhouse\\.ts|services/loader/(insert/writer|table/tables|table/server-check|table/replicas|pipeline)\\.ts|services/cli/demo/warehouse\\.ts)$',
      },
      to: { path: 'node_modules/@clickhouse/' },
    },
    {
      name: 'no-unlisted-package',
      severity: 'error',
      from: { path: '^(services|shared)/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'unknown'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.cjs', '.mjs', '.json'],
    },
  },
}

/** The package.json of a repository that `create` writes. */
import { LOCAL_PACKAGES, localPackageVersion } from '#shared/installation.ts'
import type { Origin } from './installed-from.ts'

/** Used by the author's editor and by `npm run types`; any newer ones do as well. */
const TYPESCRIPT = '6.0.3'
const NODE_TYPES = '24.19.2'

/** npm warns of scripts that run at installation. That of chdb is empty; that of protobufjs compares versions. */
const ALLOWED_SCRIPTS = { chdb: true, protobufjs: true }

export function createdManifest(name: string, { dependency, node }: Pick<Origin, 'dependency' | 'node'>) {
  return {
    name,
    private: true,
    type: 'module',
    engines: { node },
    scripts: { test: 'node --test "sources/*.test.ts"', types: 'tsc', headrace: 'headrace' },
    dependencies: { headrace: dependency },
    devDependencies: {
      '@types/node': NODE_TYPES,
      ...Object.fromEntries(LOCAL_PACKAGES.map((each) => [each, localPackageVersion(each)])),
      typescript: TYPESCRIPT,
    },
    allowScripts: ALLOWED_SCRIPTS,
  }
}

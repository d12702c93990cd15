/** The package.json of the npm package, from that of the repository. */
import { LOCAL_PACKAGES } from '#shared/installation.ts'

/** The lowest Node on which the package's test passes; that of the highest `engines` among its dependencies. */
const NODE_MIN = '22.19.0'

type Versions = Record<string, string>
type Fields = Record<string, unknown> & {
  dependencies: Versions
  devDependencies: Versions
  peerDependencies?: Versions
  peerDependenciesMeta?: Record<string, { optional?: boolean }>
}

export function packageManifest(repository: Fields): Record<string, unknown> {
  const { name, version, description, license, type, dependencies, devDependencies } = repository
  return {
    name,
    version,
    description,
    license,
    keywords: ['clickhouse', 'kafka', 'etl', 'elt', 'ingestion', 'api', 'data-pipeline', 'data-warehouse'],
    type,
    engines: { node: `>=${NODE_MIN}` },
    bin: { headrace: 'bin/headrace.cjs' },
    // The compiler leaves these specifiers as they are in the sources.
    imports: { '#shared/*.ts': { types: './shared/*.d.ts', default: './shared/*.js' } },
    exports: {
      '.': { types: './shared/index.d.ts', default: './shared/index.js' },
      './testing': {
        types: './services/fetcher/authoring/recording/testing.d.ts',
        default: './services/fetcher/authoring/recording/testing.js',
      },
      './package.json': './package.json',
    },
    dependencies,
    peerDependencies: {
      ...repository.peerDependencies,
      ...Object.fromEntries(LOCAL_PACKAGES.map((each) => [each, versionOf(each, devDependencies)])),
    },
    peerDependenciesMeta: {
      ...repository.peerDependenciesMeta,
      ...Object.fromEntries(LOCAL_PACKAGES.map((each) => [each, { optional: true }])),
    },
  }
}

function versionOf(name: string, versions: Versions): string {
  const version = versions[name]
  if (version === undefined) throw new RangeError(`${name} is not among the packages of development`)
  return version
}

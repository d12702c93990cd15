/**
 * The software bill of materials of the image, in CycloneDX 1.5: npm's own list of packages, with Node, the operating
 * system and its packages. The same input gives the same text: it has no serial number and no time of its own.
 */

type Component = { 'bom-ref': string; [field: string]: unknown }
type Dependency = { ref: string; dependsOn?: readonly string[] }
/** What `npm sbom --sbom-format=cyclonedx` writes. */
export type NpmBom = {
  bomFormat: 'CycloneDX'
  specVersion: string
  metadata: { tools?: unknown; component: Component; [field: string]: unknown }
  components: readonly Component[]
  dependencies: readonly Dependency[]
}

/** `system`: id and version of /etc/os-release. `debian`: lines of package, version, architecture, source package. */
export type ImageParts = {
  npm: NpmBom
  debian: readonly (readonly string[])[]
  system: { id: string; version: string }
  node: string
  /** RFC 3339; empty if nobody says. */
  created: string
}

const IMAGE = 'headrace-image'

export function imageBom({ npm, debian, system, node, created }: ImageParts): Record<string, unknown> {
  const root = npm.metadata.component['bom-ref']
  const os = `${system.id}-${system.version}`
  const others: Component[] = [
    { 'bom-ref': os, type: 'operating-system', name: system.id, version: system.version },
    {
      'bom-ref': `node@${node}`,
      type: 'application',
      name: 'node',
      version: node,
      purl: `pkg:generic/node@${node}`,
      cpe: `cpe:2.3:a:nodejs:node.js:${node}:*:*:*:*:*:*:*`,
    },
    ...debian.map((line) => debianPackage(line, system)),
  ]
  const [own, ...graph] = [...npm.dependencies].sort((a, b) => Number(b.ref === root) - Number(a.ref === root))
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.5.schema.json',
    bomFormat: npm.bomFormat,
    specVersion: npm.specVersion,
    version: 1,
    metadata: {
      ...(created === '' ? {} : { timestamp: created }),
      lifecycles: [{ phase: 'build' }],
      tools: npm.metadata.tools,
      component: {
        'bom-ref': IMAGE,
        type: 'container',
        name: 'headrace',
        version: npm.metadata.component.version,
        licenses: [{ license: { id: 'Apache-2.0' } }],
      },
    },
    components: [...npm.components.map(withoutPlace), ...others],
    dependencies: [
      { ref: IMAGE, dependsOn: [...(own?.dependsOn ?? []), ...others.map((each) => each['bom-ref'])] },
      ...graph,
      ...others.map((each) => ({ ref: each['bom-ref'], dependsOn: [] })),
    ],
  }
}

/** Where the machine that built the image got a package from is nobody else's business. */
function withoutPlace({ externalReferences, ...component }: Component): Component {
  if (!Array.isArray(externalReferences)) return { ...component }
  return { ...component, externalReferences: externalReferences.filter(({ type }) => type !== 'distribution') }
}

/** https://github.com/package-url/purl-spec has the form of these names; `upstream` is the source package. */
function debianPackage(
  [name = '', version = '', arch = '', source = '']: readonly string[],
  system: ImageParts['system'],
) {
  const upstream = source === name ? '' : `&upstream=${encodeURIComponent(source)}`
  const of = `arch=${arch}&distro=${system.id}-${system.version}${upstream}`
  const purl = `pkg:deb/${system.id}/${encodeURIComponent(name)}@${encodeURIComponent(version)}?${of}`
  return { 'bom-ref': purl, type: 'library', name, version, purl }
}

/**
 * Helm, built from its Go module at one version, and what it makes of the chart. Building takes minutes and needs Go
 * and its module proxy; the program stays below `.headrace/`.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ROOT } from '../compose.ts'

export const HELM = 'helm.sh/helm/v4/cmd/helm@v4.3.1'
export const CHART = join(ROOT, 'deploy', 'helm')
/** The version of the schemas. Without it, a Helm of `go install` may assume a cluster that is years old. */
const KUBERNETES = '1.37.0'
const BUILD_MS_MAX = 30 * 60_000
const RUN_MS_MAX = 60_000
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024

const exec = promisify(execFile)

/** The path of the program. `onBuild` is called if it has to be built. */
export async function builtHelm(onBuild: () => void): Promise<string> {
  const folder = join(ROOT, '.headrace', HELM.replaceAll(/[/@]/g, '-'))
  const program = join(folder, 'helm')
  if (existsSync(program)) return program
  onBuild()
  await exec('go', ['install', HELM], { env: { ...process.env, GOBIN: folder }, timeout: BUILD_MS_MAX })
  return program
}

export type Done = { status: number; output: string }

async function run(helm: string, args: readonly string[]): Promise<Done> {
  try {
    const { stdout } = await exec(helm, args, { timeout: RUN_MS_MAX, maxBuffer: OUTPUT_BYTES_MAX })
    return { status: 0, output: stdout }
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: string }
    if (typeof code !== 'number') throw error
    return { status: code, output: stderr ?? '' }
  }
}

/** `more`: further values as flags, such as `--set loader.replicas=2`. */
export const template = (helm: string, values: string, more: readonly string[] = []): Promise<Done> =>
  run(helm, ['template', 'headrace', CHART, '--kube-version', KUBERNETES, '--values', values, ...more])

/** What a person reads after an installation. */
export async function notes(helm: string, values: string): Promise<string> {
  const { output } = await run(helm, ['install', 'headrace', CHART, '--dry-run=client', '--values', values])
  return output.slice(output.indexOf('NOTES:'))
}

export const lint = (helm: string, values: string): Promise<Done> =>
  run(helm, ['lint', CHART, '--strict', '--quiet', '--values', values])

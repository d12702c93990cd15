/**
 * This machine's npm configuration for a build: which registry, with which token, proxy and authority. It is passed as
 * files that a build step sees and no layer keeps. Settings that name folders of this machine stay here.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from './programs.ts'

/** Where a build step sees the authority. */
const CA_IN_BUILD = '/run/secrets/npm_ca'
const KEPT =
  /^(registry|@[^:]+:registry|\/\/.*|proxy|https-proxy|noproxy|strict-ssl|replace-registry-host|ca(\[\])?)\s*=/
const PATHS = /:(certfile|keyfile|cafile)\s*=/
const SECRET_MODE = 0o600

/** The lines of a build's npmrc. Later ones win; npm reads no environment variable of this machine there. */
export function buildNpmrc(texts: readonly string[], environment: NodeJS.ProcessEnv, hasAuthority: boolean): string {
  const lines = texts
    .flatMap((text) => text.split('\n'))
    .map((line) => line.trim())
    .filter((line) => KEPT.test(line) && !PATHS.test(line))
    .map((line) => line.replaceAll(/\$\{(\w+)\??\}/g, (_, name: string) => environment[name] ?? ''))
  return [...lines, ...(hasAuthority ? [`cafile=${CA_IN_BUILD}`] : []), ''].join('\n')
}

/** Arguments `--secret …` for a build. `dir` holds the files; remove it after the build. */
export function npmSecrets(dir: string, environment: NodeJS.ProcessEnv = process.env): string[] {
  const setting = (name: string) => run('npm', ['config', 'get', name], { quiet: true }).trim()
  const files = [setting('globalconfig'), setting('userconfig')].filter((file) => existsSync(file))
  const authority = [setting('cafile'), environment.NODE_EXTRA_CA_CERTS].find((file) => file && existsSync(file))
  const texts = [...files.map((file) => readFileSync(file, 'utf8')), `registry=${setting('registry')}`]
  const npmrc = join(dir, 'npmrc')
  writeFileSync(npmrc, buildNpmrc(texts, environment, authority !== undefined), { mode: SECRET_MODE })
  return ['--secret', `id=npmrc,src=${npmrc}`, ...(authority ? ['--secret', `id=npm_ca,src=${authority}`] : [])]
}

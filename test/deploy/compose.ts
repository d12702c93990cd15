/**
 * docker-compose.yml as data, and how a rule about it is tested: the file as it is meets the rule, and a copy in which
 * one thing was broken does not, so that no rule passes because it looks at nothing. The schema is strict: a misspelled
 * key is an error.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { z } from 'zod'

export const ROOT = join(import.meta.dirname, '..', '..')
const SECOND_MS = 1000

const health = z.strictObject({
  test: z.array(z.string()).min(2),
  interval: z.string(),
  timeout: z.string(),
  start_period: z.string(),
  retries: z.number(),
})

const service = z.strictObject({
  build: z.literal('.').optional(),
  image: z.string(),
  profiles: z.array(z.string()).default([]),
  hostname: z.string().optional(),
  command: z.array(z.string()).optional(),
  init: z.literal(true).optional(),
  restart: z.enum(['unless-stopped', 'no']),
  logging: z.strictObject({
    driver: z.string(),
    options: z.strictObject({ 'max-size': z.string(), 'max-file': z.string() }),
  }),
  read_only: z.literal(true).optional(),
  tmpfs: z.array(z.string()).optional(),
  cap_drop: z.array(z.string()).optional(),
  security_opt: z.array(z.string()).optional(),
  stop_grace_period: z.string().optional(),
  ports: z.array(z.string()).default([]),
  environment: z.record(z.string(), z.coerce.string()).default({}),
  secrets: z.array(z.string()).default([]),
  ulimits: z.object({}).loose().optional(),
  volumes: z.array(z.string()).default([]),
  depends_on: z.record(z.string(), z.strictObject({ condition: z.string() })).default({}),
  healthcheck: z.union([health, z.strictObject({ disable: z.literal(true) })]).optional(),
})

const compose = z.strictObject({
  name: z.string(),
  services: z.record(z.string(), service),
  volumes: z.record(z.string(), z.null()),
  secrets: z.record(z.string(), z.strictObject({ file: z.string() })),
})
export type Compose = z.output<typeof compose>
export type Service = z.output<typeof service>

export function readCompose(): Compose {
  const parsed: Record<string, unknown> = parse(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8'), { merge: true })
  // An `x-` key is a place for anchors; what it holds is seen where it is used.
  return compose.parse(Object.fromEntries(Object.entries(parsed).filter(([key]) => !key.startsWith('x-'))))
}

/** A sentence about the file, the places where it does not hold, and a change after which it must not. */
export type Rule = { sentence: string; breaks: (file: Compose) => string[]; damage: (file: Compose) => void }

export function testRule({ sentence, breaks, damage }: Rule): void {
  test(`${sentence}: a file that does not is noticed`, () => {
    const damaged = readCompose()
    damage(damaged)
    assert.notDeepEqual(breaks(damaged), [])
  })
  test(sentence, () => assert.deepEqual(breaks(readCompose()), []))
}

/** Fails when the file has no such service: a rule that looks at nothing must not pass. */
export function serviceOf(file: Compose, name: string): Service {
  const found = file.services[name]
  assert.ok(found, `docker-compose.yml has a service ${name}`)
  return found
}

export const named = (file: Compose): [string, Service][] => Object.entries(file.services)
/** Those that run this repository's own image. */
export const ownServices = (file: Compose): [string, Service][] =>
  named(file).filter(([, { build }]) => build !== undefined)

export function durationMs(text: string): number {
  const match = /^(\d+)(s|m)$/.exec(text)
  assert.ok(match, `${text} is a duration in s or m`)
  return Number(match[1]) * (match[2] === 'm' ? 60 : 1) * SECOND_MS
}

/** The port inside the container: the last part of `127.0.0.1:8081:8080`. */
export const containerPorts = ({ ports }: Service): string[] => ports.map((port) => port.split(':').at(-1) ?? '')

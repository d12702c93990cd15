/**
 * docker-compose.yml against what the program understands: options and their values, secrets, addresses, commands and
 * streams.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { optionRows, readConfig, type ServerKind } from '#shared/config/config.ts'
import { chooseStreams, loadSources } from '#shared/declaration/load-sources.ts'
import { messageOf } from '#shared/errors.ts'
import {
  type Compose,
  containerPorts,
  named,
  ownServices,
  ROOT,
  readCompose,
  type Service,
  serviceOf,
  testRule,
} from './compose.ts'

const SECRET_NAME = /(PASSWORD|SECRET|TOKEN|KEY)$/
const SECRET_FOLDER = '/run/secrets/'
const known = new Set(optionRows().flatMap(({ name }) => [name, `${name}_FILE`]))

let folder = ''
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'headrace-compose-'))
  writeFileSync(join(folder, 'secret.txt'), 'from a file\n')
})
after(() => rmSync(folder, { recursive: true }))

/** What the program would see, with every secret file at hand. */
function environmentOf({ environment }: Service): Record<string, string> {
  const seen = Object.entries(environment).map(([name, value]) => [
    name,
    name.endsWith('_FILE') ? join(folder, 'secret.txt') : value,
  ])
  return { ...Object.fromEntries(seen), HEADRACE_DIR: folder }
}

/** As `services/cli/` asks for them. */
const NEEDS: Record<string, readonly ServerKind[]> = {
  fetcher: ['kafka', 'registry'],
  loader: ['kafka', 'registry', 'clickhouse'],
  operator: ['kafka'],
}

function refusal(name: string, service: Service): string[] {
  try {
    readConfig(environmentOf(service), NEEDS[name])
    return []
  } catch (error) {
    return [messageOf(error)]
  }
}

/** host:port pairs on which a broker can be reached by the other containers. */
function brokerAddresses(file: Compose): string[] {
  const { environment, hostname } = serviceOf(file, 'broker')
  const listening = (environment.KAFKA_LISTENERS ?? '').split(',')
  const advertised = (environment.KAFKA_ADVERTISED_LISTENERS ?? '').split(',').map((listener) => listener.split('://'))
  return advertised
    .filter(
      ([name, address = '']) =>
        address.startsWith(`${hostname}:`) && listening.includes(`${name}://:${address.split(':')[1]}`),
    )
    .map(([, address = '']) => address)
}

describe('docker-compose.yml, as the program reads it', () => {
  testRule({
    sentence: 'names only options that exist',
    breaks: (file) =>
      ownServices(file).flatMap(([name, { environment }]) =>
        Object.keys(environment)
          .filter((option) => !known.has(option))
          .map((option) => `${name}: ${option}`),
      ),
    damage: (file) => {
      serviceOf(file, 'loader').environment.CLICKHOUSE_PASS_FILE = '/run/secrets/clickhouse_password'
    },
  })

  testRule({
    sentence: 'gives options values that are accepted, and every address that is needed',
    breaks: (file) => ownServices(file).flatMap(([name, service]) => refusal(name, service)),
    damage: (file) => {
      delete serviceOf(file, 'fetcher').environment.KAFKA_BROKERS
    },
  })

  testRule({
    sentence: 'holds no secret, only the names of files that are mounted where they are looked for',
    breaks: (file) =>
      named(file).flatMap(([name, { environment, secrets }]) =>
        Object.entries(environment)
          .filter(([option, value]) => {
            if (SECRET_NAME.test(option)) return true
            const mounted = value.startsWith(SECRET_FOLDER) && secrets.includes(value.slice(SECRET_FOLDER.length))
            return SECRET_NAME.test(option.replace(/_FILE$/, '')) && !mounted
          })
          .map(([option]) => `${name}: ${option}`),
      ),
    damage: (file) => {
      serviceOf(file, 'clickhouse').environment.CLICKHOUSE_PASSWORD = 'in the file'
    },
  })

  testRule({
    sentence:
      'mounts only secrets that are declared, each a file that git ignores and deploy/README.md says how to make',
    breaks: (file) => {
      const manual = readFileSync(join(ROOT, 'deploy', 'README.md'), 'utf8')
      const undeclared = named(file).flatMap(([, { secrets }]) => secrets.filter((secret) => !(secret in file.secrets)))
      const unexplained = Object.values(file.secrets).filter((secret) => {
        return !secret.file.startsWith('./deploy/secrets/') || !manual.includes(`> ${secret.file.slice(2)}`)
      })
      return [...undeclared, ...unexplained.map((secret) => secret.file)]
    },
    damage: (file) => {
      file.secrets.other = { file: './deploy/secrets/other.txt' }
    },
  })

  testRule({
    sentence: 'keeps the password of the warehouse from the fetcher',
    breaks: (file) => serviceOf(file, 'fetcher').secrets.filter((secret) => secret.startsWith('clickhouse')),
    damage: (file) => serviceOf(file, 'fetcher').secrets.push('clickhouse_password'),
  })

  testRule({
    sentence: 'gives addresses that the broker advertises to containers',
    breaks: (file) =>
      [
        ...ownServices(file).map(([, { environment }]) => environment.KAFKA_BROKERS ?? ''),
        serviceOf(file, 'registry').environment.APICURIO_KAFKASQL_BOOTSTRAP_SERVERS ?? '',
      ].filter((address) => !brokerAddresses(file).includes(address)),
    damage: (file) => {
      serviceOf(file, 'registry').environment.APICURIO_KAFKASQL_BOOTSTRAP_SERVERS = 'broker:9092'
    },
  })

  testRule({
    sentence: 'tells programs on this machine the port under which the broker is published',
    breaks: (file) => {
      const { environment, ports } = serviceOf(file, 'broker')
      const local = /PLAINTEXT_HOST:\/\/localhost:(\d+)/.exec(environment.KAFKA_ADVERTISED_LISTENERS ?? '')?.[1]
      return ports.filter((port) => port !== `127.0.0.1:${local}:${local}`)
    },
    damage: (file) => {
      serviceOf(file, 'broker').ports = ['127.0.0.1:19092:19092']
    },
  })

  testRule({
    sentence: 'gives addresses of the registry and of ClickHouse that are services and their ports',
    breaks: (file) =>
      ownServices(file)
        .flatMap(([, { environment }]) => [environment.SCHEMA_REGISTRY_URL, environment.CLICKHOUSE_URL])
        .filter((url) => url !== undefined)
        .filter((address) => {
          const { hostname, port } = new URL(address)
          const server = file.services[hostname]
          return server === undefined || !containerPorts(server).includes(port)
        }),
    damage: (file) => {
      serviceOf(file, 'loader').environment.CLICKHOUSE_URL = 'http://clickhouse:9000'
    },
  })

  testRule({
    sentence: 'logs in to ClickHouse as the user that it has',
    breaks: (file) =>
      ownServices(file)
        .filter(([, { secrets }]) => secrets.includes('clickhouse_password'))
        .filter(
          ([, { environment }]) =>
            environment.CLICKHOUSE_USER !== serviceOf(file, 'clickhouse').environment.CLICKHOUSE_USER,
        )
        .map(([name]) => name),
    damage: (file) => {
      delete serviceOf(file, 'loader').environment.CLICKHOUSE_USER
    },
  })

  testRule({
    sentence: 'asks for the health where the program answers',
    breaks: (file) =>
      ownServices(file)
        .filter(([, { environment, ports }]) => {
          return (
            environment.HEADRACE_HTTP_HOST !== '0.0.0.0' ||
            ports.some((port) => !port.endsWith(`:${environment.HEADRACE_HTTP_PORT}`))
          )
        })
        .map(([name]) => name),
    damage: (file) => {
      serviceOf(file, 'loader').environment.HEADRACE_HTTP_PORT = '8080'
    },
  })

  test('looks for declarations where they are mounted', () => {
    for (const name of ['fetcher', 'operator']) {
      const { environment, volumes } = serviceOf(readCompose(), name)
      assert.deepEqual(volumes, [`./deploy/sources:${environment.HEADRACE_SOURCES}:ro`])
    }
  })

  test('fetches streams that are declared and need no secret', async () => {
    const [command, ...streams] = serviceOf(readCompose(), 'fetcher').command ?? []
    assert.equal(command, 'fetch')
    assert.ok(streams.length > 0, 'fetching everything would ask for the secrets of every built-in source')
    for (const { label, source } of chooseStreams(await loadSources([]), streams))
      assert.equal(source.auth, undefined, label)
  })
})

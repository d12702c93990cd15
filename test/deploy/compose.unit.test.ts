/**
 * docker-compose.yml as far as it can be checked without Docker: images, health, order, ports, volumes. Options:
 * compose-options.
 */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { optionRows } from '#shared/config/config.ts'
import { type Compose, durationMs, named, ownServices, ROOT, readCompose, serviceOf, testRule } from './compose.ts'

const version: string = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version
const stays = (file: Compose) => named(file).filter(([, { profiles }]) => profiles.length === 0)

describe('docker-compose.yml', () => {
  test('starts a broker, a registry, ClickHouse, a fetcher and a loader; the operator only when asked', () => {
    const file = readCompose()
    assert.deepEqual(
      stays(file).map(([name]) => name),
      ['broker', 'registry', 'clickhouse', 'fetcher', 'loader'],
    )
    assert.deepEqual(
      named(file)
        .filter(([, { profiles }]) => profiles.length > 0)
        .map(([name]) => name),
      ['operator'],
    )
  })

  testRule({
    sentence: 'pins every image to a release, its own to the version of this package',
    breaks: (file) =>
      named(file)
        .filter(([, { image, build }]) =>
          build === undefined ? !/^[\w./-]+:\d+\.\d+(\.\d+)*$/.test(image) : image !== `headrace:${version}`,
        )
        .map(([name, { image }]) => `${name}: ${image}`),
    damage: (file) => {
      serviceOf(file, 'clickhouse').image = 'clickhouse/clickhouse-server:latest'
    },
  })

  testRule({
    sentence: 'starts again whatever stays up, and asks it for its health',
    breaks: (file) =>
      stays(file)
        .filter(
          ([, { restart, healthcheck }]) =>
            restart !== 'unless-stopped' || healthcheck === undefined || 'disable' in healthcheck,
        )
        .map(([name]) => name),
    damage: (file) => {
      delete serviceOf(file, 'registry').healthcheck
    },
  })

  testRule({
    sentence: 'waits for the health of servers that report it',
    breaks: (file) =>
      named(file).flatMap(([name, { depends_on }]) =>
        Object.entries(depends_on)
          .filter(([other, { condition }]) => {
            const check = file.services[other]?.healthcheck
            return condition !== 'service_healthy' || check === undefined || 'disable' in check
          })
          .map(([other]) => `${name} → ${other}`),
      ),
    damage: (file) => {
      serviceOf(file, 'broker').healthcheck = { disable: true }
    },
  })

  testRule({
    sentence: 'starts a worker after every server that it speaks to',
    breaks: (file) =>
      Object.entries({
        registry: ['broker'],
        fetcher: ['broker', 'registry'],
        loader: ['broker', 'registry', 'clickhouse'],
      }).flatMap(([name, servers]) =>
        servers
          .filter((server) => !(server in serviceOf(file, name).depends_on))
          .map((server) => `${name} → ${server}`),
      ),
    damage: (file) => {
      delete serviceOf(file, 'loader').depends_on.clickhouse
    },
  })

  testRule({
    sentence: 'opens ports to this machine only',
    breaks: (file) =>
      named(file).flatMap(([name, { ports }]) =>
        ports.filter((port) => !/^127\.0\.0\.1:\d*:\d+$/.test(port)).map((port) => `${name}: ${port}`),
      ),
    damage: (file) => {
      serviceOf(file, 'clickhouse').ports = ['8123:8123']
    },
  })

  testRule({
    sentence: 'gives a worker no port of its own, so that it can be scaled',
    breaks: (file) =>
      ownServices(file)
        .filter(([, { ports }]) => ports.some((port) => /:\d+:\d+$/.test(port)))
        .map(([name]) => name),
    damage: (file) => {
      serviceOf(file, 'fetcher').ports = ['127.0.0.1:9464:9464']
    },
  })

  testRule({
    sentence: 'gives a stop more time than the stop deadline',
    breaks: (file) => {
      const byDefault = optionRows().find(({ name }) => name === 'HEADRACE_STOP_DEADLINE_MS')?.byDefault
      return ownServices(file)
        .filter(([, { environment, stop_grace_period = '10s' }]) => {
          return durationMs(stop_grace_period) <= Number(environment.HEADRACE_STOP_DEADLINE_MS ?? byDefault)
        })
        .map(([name]) => name)
    },
    damage: (file) => {
      delete serviceOf(file, 'loader').stop_grace_period
    },
  })

  testRule({
    sentence: 'lets signals reach the program and leaves it no rights that it does not need',
    breaks: (file) =>
      ownServices(file)
        .filter(
          ([, own]) =>
            own.init !== true ||
            own.read_only !== true ||
            own.cap_drop?.includes('ALL') !== true ||
            own.security_opt?.includes('no-new-privileges:true') !== true,
        )
        .map(([name]) => name),
    damage: (file) => {
      delete serviceOf(file, 'fetcher').init
    },
  })

  testRule({
    sentence: 'mounts folders that the repository has, for reading, and volumes that are declared',
    breaks: (file) =>
      named(file).flatMap(([name, { volumes }]) =>
        volumes
          .filter((volume) => {
            const [from = '', , mode] = volume.split(':')
            return from.startsWith('./') ? mode !== 'ro' || !existsSync(join(ROOT, from)) : !(from in file.volumes)
          })
          .map((volume) => `${name}: ${volume}`),
      ),
    damage: (file) => {
      serviceOf(file, 'fetcher').volumes = ['./nowhere:/sources:ro']
    },
  })

  testRule({
    sentence: 'keeps the data of Kafka and of ClickHouse on volumes, where the servers put it',
    breaks: (file) => {
      const broker = serviceOf(file, 'broker')
      const folders = { broker: broker.environment.KAFKA_LOG_DIRS ?? '', clickhouse: '/var/lib/clickhouse' }
      return Object.entries(folders)
        .filter(([name, folder]) => !serviceOf(file, name).volumes.some((volume) => volume.endsWith(`:${folder}`)))
        .map(([name]) => name)
    },
    damage: (file) => {
      serviceOf(file, 'broker').environment.KAFKA_LOG_DIRS = '/tmp/kafka'
    },
  })
})

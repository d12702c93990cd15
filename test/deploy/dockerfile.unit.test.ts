/**
 * The Dockerfiles of this repository and of one that `create` writes, as far as they can be checked without building
 * them: base, user, labels, health, what is copied, and secrets. image.test.ts builds them.
 */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { optionRows } from '#shared/config/config.ts'
import packageJson from '../../package.json' with { type: 'json' }
import { ROOT, readCompose, serviceOf } from './compose.ts'
import {
  copiedPaths,
  type Dockerfile,
  exec,
  existsIn,
  lastStage,
  reachesTheBuild,
  readDockerfile,
  testRules,
  valuesOf,
} from './dockerfile.ts'

const own = () => readDockerfile('Dockerfile', { dir: '.', ignore: '.dockerignore' })
const created = () => readDockerfile('template/Dockerfile', { dir: 'template', ignore: 'dockerignore' })

const PINNED = new RegExp(`^docker\\.io/library/node:${packageJson.devDependencies.node}-slim@sha256:[0-9a-f]{64}$`)
const PACKAGE_MANAGERS = [
  '/usr/local/lib/node_modules',
  '/usr/local/bin/npm',
  '/usr/local/bin/npx',
  '/usr/local/bin/corepack',
  '/opt/yarn-*',
]
const SECRET = /(PASSWORD|SECRET|TOKEN|KEY|NPMRC|_AUTH)/
/** Written by a person, or by npm, beside what `create` writes. */
const OF_A_PERSON = ['package.json', 'package-lock.json', 'vendo[r]']

const globalOf = (file: Dockerfile, name: string) =>
  valuesOf(file.globals, 'ARG')
    .find((value) => value.startsWith(`${name}=`))
    ?.slice(name.length + 1)
const runs = (file: Dockerfile) => file.stages.flatMap(({ instructions }) => valuesOf(instructions, 'RUN'))
const replaceIn = (file: Dockerfile, name: string, value: string) => {
  for (const instruction of lastStage(file)) if (instruction.name === name) instruction.value = value
}

for (const [which, read] of [
  ['the image', own],
  ['the image of a created repository', created],
] as const)
  describe(which, () => {
    testRules(read, [
      {
        sentence: 'stands on the Node that the package is tested with, by digest, in every stage',
        breaks: (file) => [
          ...file.stages.filter(({ base }) => base !== `\${NODE_IMAGE}`).map(({ base }) => base),
          ...[globalOf(file, 'NODE_IMAGE') ?? 'nothing'].filter((base) => !PINNED.test(base)),
        ],
        damage: (file) => {
          file.globals = [
            { name: 'ARG', value: `NODE_IMAGE=docker.io/library/node:${packageJson.devDependencies.node}-slim` },
          ]
        },
      },
      {
        sentence: 'runs as user 1000, by number, and nothing is written after that',
        breaks: (file) => {
          const last = lastStage(file)
          const at = last.findIndex(({ name }) => name === 'USER')
          const later = last.slice(at).filter(({ name }) => ['RUN', 'COPY', 'ADD', 'WORKDIR'].includes(name))
          return [
            ...valuesOf(last, 'USER').filter((user) => user !== '1000:1000'),
            ...later.map(({ name }) => name),
            ...(at < 0 ? ['root'] : []),
          ]
        },
        damage: (file) => replaceIn(file, 'USER', 'node'),
      },
      {
        sentence: 'is the command that hints name, found on the PATH, and gets its signals itself',
        breaks: (file) => {
          const [entry = '[]', command = '[]', signal = ''] = ['ENTRYPOINT', 'CMD', 'STOPSIGNAL'].map(
            (name) => valuesOf(lastStage(file), name)[0],
          )
          const link = runs(file).some((run) =>
            /ln -s \/\w+\/node_modules\/headrace\/bin\/headrace\.cjs \/usr\/local\/bin\/headrace/.test(run),
          )
          const wanted = [
            exec(entry).join() === 'headrace',
            exec(command).join() === '--help',
            signal === 'SIGTERM',
            link,
          ]
          return wanted.includes(false) ? [entry, command, signal, String(link)] : []
        },
        damage: (file) => replaceIn(file, 'ENTRYPOINT', '["npm", "run", "headrace"]'),
      },
      {
        sentence: 'has no package manager',
        breaks: (file) => {
          const removed = valuesOf(lastStage(file), 'RUN').join(' ')
          return PACKAGE_MANAGERS.filter((path) => !removed.includes(path))
        },
        damage: (file) => replaceIn(file, 'RUN', 'true'),
      },
      {
        sentence: 'is asked for its health as docker-compose.yml does, on the port that it opens',
        breaks: (file) => {
          const health = serviceOf(readCompose(), 'loader').healthcheck
          assert.ok(health !== undefined && 'test' in health)
          const last = lastStage(file)
          const [asked = 'CMD []'] = valuesOf(last, 'HEALTHCHECK')
          const [env = ''] = valuesOf(last, 'ENV')
          const command = ['CMD', ...exec(asked.slice(asked.indexOf('CMD ') + 4))]
          return [
            ...command.filter((word, at) => word !== health.test[at]),
            ...[`HEADRACE_HTTP_PORT=${valuesOf(last, 'EXPOSE')[0]}`, 'HEADRACE_HTTP_HOST=0.0.0.0'].filter(
              (each) => !env.includes(each),
            ),
          ]
        },
        damage: (file) => replaceIn(file, 'EXPOSE', '8080'),
      },
      {
        sentence: 'sets only options that exist, and needs no secret as an argument',
        breaks: (file) => {
          const options = new Set(optionRows().map(({ name }) => name))
          const all = [...file.globals, ...file.stages.flatMap(({ instructions }) => instructions)]
          const names = ['ARG', 'ENV']
            .flatMap((name) => valuesOf(all, name))
            .flatMap((value) => value.split(/\s+/))
            .map((word) => word.split('=')[0] ?? '')
          return names.filter((name) => SECRET.test(name) || (name.startsWith('HEADRACE_') && !options.has(name)))
        },
        damage: (file) => {
          file.globals = [...file.globals, { name: 'ARG', value: 'NPM_TOKEN' }]
        },
      },
      {
        sentence: 'gives npm the configuration of a registry as a secret that no layer keeps',
        breaks: (file) =>
          runs(file).filter(
            (run) =>
              run.includes('npm ci') &&
              !/^--mount=type=secret,id=npmrc .*NPM_CONFIG_USERCONFIG=\/run\/secrets\/npmrc\s+npm ci /.test(run),
          ),
        damage: (file) => {
          file.stages[0]?.instructions.push({ name: 'RUN', value: 'npm ci' })
        },
      },
      {
        sentence: 'copies only what exists and what the ignore file lets through',
        breaks: (file) =>
          copiedPaths(file).filter((path) => {
            const exists = existsIn(file.context, path) || OF_A_PERSON.includes(path)
            return !exists || !reachesTheBuild(path.replace('[r]', 'r'), file.context)
          }),
        damage: (file) => {
          file.stages[0]?.instructions.push({ name: 'COPY', value: 'node_modules ./node_modules' })
        },
      },
    ])

    test('never gets a secret, installed packages or the history', () => {
      const { context } = read()
      for (const path of [
        'deploy/secrets/clickhouse_password.txt',
        'node_modules/zod',
        '.git',
        '.env',
        '.npmrc',
        '.headrace',
        'test',
      ])
        assert.ok(!reachesTheBuild(path, context), path)
    })
  })

describe('the image', () => {
  testRules(own, [
    {
      sentence: 'has the standard labels, by default of this version',
      breaks: (file) => {
        const labels = valuesOf(lastStage(file), 'LABEL').join(' ')
        const wanted = [
          'title=headrace',
          'licenses=Apache-2.0',
          'description="',
          ...['version', 'revision', 'source', 'created'].map((name) => `${name}="$${name.toUpperCase()}"`),
        ]
        const args = valuesOf(lastStage(file), 'ARG')
        return [
          ...wanted.filter((label) => !labels.includes(`org.opencontainers.image.${label}`)),
          ...[`VERSION=${packageJson.version}`, 'REVISION=', 'SOURCE=', 'CREATED='].filter(
            (arg) => !args.includes(arg),
          ),
        ]
      },
      damage: (file) => replaceIn(file, 'LABEL', 'version=1'),
    },
    {
      sentence: 'installs the packed package by the lock file, and lists what is in it',
      breaks: (file) => {
        const all = runs(file).join('\n')
        return [
          'node bin/build.ts && npm pack ./dist',
          'node bin/image/write-app.ts',
          'npm ci --ignore-scripts',
          'npm sbom --sbom-format=cyclonedx',
          'dpkg-query --show',
          'sbom.cdx.json',
        ].filter((step) => !all.includes(step))
      },
      damage: (file) => {
        file.stages.splice(1, 1)
      },
    },
    {
      sentence: 'is without the local stack, whose servers are containers there',
      breaks: (file) =>
        ['stack', 'sample-api'].filter(
          (name) =>
            !runs(file).some(
              (run) =>
                run.includes(`node_modules/headrace/services/${name}`) && existsSync(join(ROOT, 'services', name)),
            ),
        ),
      damage: (file) => {
        file.stages.splice(1, 1)
      },
    },
  ])
})

describe('the image of a created repository', () => {
  testRules(created, [
    {
      sentence: 'stands on the same base as the image',
      breaks: (file) => [globalOf(file, 'NODE_IMAGE') ?? ''].filter((base) => base !== globalOf(own(), 'NODE_IMAGE')),
      damage: (file) => {
        file.globals = []
      },
    },
    {
      sentence: 'installs neither the packages of development nor those of the local stack',
      breaks: (file) =>
        runs(file).filter((run) => run.includes('npm ci') && !run.includes('npm ci --omit=dev --omit=optional ')),
      damage: (file) => {
        file.stages[0]?.instructions.push({ name: 'RUN', value: 'npm ci --omit=dev' })
      },
    },
  ])
})

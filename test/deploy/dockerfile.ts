/** A Dockerfile as its instructions, and which paths a .dockerignore lets into a build. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT } from './compose.ts'

export type Instruction = { name: string; value: string }
export type Dockerfile = {
  /** Where its COPY finds files, and the ignore file that decides what does. */
  context: { dir: string; ignore: string }
  /** Before the first FROM. */
  globals: readonly Instruction[]
  stages: { base: string; name: string | null; instructions: Instruction[] }[]
}

const textOf = (path: string) => readFileSync(join(ROOT, path), 'utf8')

export function readDockerfile(path: string, context: Dockerfile['context']): Dockerfile {
  const lines = textOf(path)
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line !== '')
  const all = lines.map((line) => {
    const [, name = '', value = ''] = /^([A-Z]+) (.*)$/.exec(line) ?? []
    assert.ok(name, `${path} has an instruction in: ${line}`)
    return { name, value }
  })
  const first = all.findIndex(({ name }) => name === 'FROM')
  const file: Dockerfile = { context, globals: all.slice(0, first), stages: [] }
  for (const { name, value } of all.slice(first)) {
    if (name !== 'FROM') file.stages.at(-1)?.instructions.push({ name, value })
    else
      file.stages.push({
        base: value.split(' ')[0] ?? '',
        name: / AS (\w+)$/.exec(value)?.[1] ?? null,
        instructions: [],
      })
  }
  return file
}

export function lastStage(file: Dockerfile): Instruction[] {
  const last = file.stages.at(-1)
  assert.ok(last, 'a Dockerfile has a stage')
  return last.instructions
}
export const valuesOf = (instructions: readonly Instruction[], name: string): string[] =>
  instructions.filter((instruction) => instruction.name === name).map(({ value }) => value)
/** The words of `CMD ["a", "b"]`. */
export const exec = (value: string): string[] => JSON.parse(value)

/** What a build is given with an instruction `COPY`, apart from files of another stage. */
export const copiedPaths = (file: Dockerfile): string[] =>
  file.stages
    .flatMap(({ instructions }) => valuesOf(instructions, 'COPY'))
    .filter((value) => !value.startsWith('--from'))
    .flatMap((value) => value.split(' ').slice(0, -1))

/** The last line that fits decides; every file here starts with refusing all. */
export function reachesTheBuild(path: string, { dir, ignore }: Dockerfile['context']): boolean {
  const within = (folder: string) => path === folder || path.startsWith(`${folder}/`)
  const lines = textOf(join(dir, ignore))
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
  assert.equal(lines[0], '*', `${ignore} refuses what it does not name`)
  return lines.findLast((line) => line === '*' || within(line.replace('!', '')))?.startsWith('!') === true
}

export const existsIn = ({ dir }: Dockerfile['context'], path: string): boolean => existsSync(join(ROOT, dir, path))

/** A sentence about a file, the places where it does not hold, and a change after which it must not. */
type Rule = { sentence: string; breaks: (file: Dockerfile) => string[]; damage: (file: Dockerfile) => void }

export function testRules(read: () => Dockerfile, rules: readonly Rule[]): void {
  for (const { sentence, breaks, damage } of rules) {
    test(`${sentence}: a file that does not is noticed`, () => {
      const damaged = read()
      damage(damaged)
      assert.notDeepEqual(breaks(damaged), [])
    })
    test(sentence, () => assert.deepEqual(breaks(read()), []))
  }
}

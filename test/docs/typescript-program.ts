/**
 * A TypeScript program over files that exist only as texts, as if they lay in this folder. So declarations in documents
 * can be checked, and types of the product can be read, without a build.
 */
import { readFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import ts from 'typescript'

export const ROOT = resolve(import.meta.dirname, '..', '..')

/** `files`: text by file name, such as `shop.ts`. */
export function programOf(files: Readonly<Record<string, string>>): { program: ts.Program; paths: readonly string[] } {
  const config = ts.parseJsonConfigFileContent(
    ts.readConfigFile(join(ROOT, 'tsconfig.json'), (path) => readFileSync(path, 'utf8')).config,
    ts.sys,
    ROOT,
  )
  const texts = new Map(Object.entries(files).map(([name, text]) => [join(import.meta.dirname, name), text]))
  const host = ts.createCompilerHost(config.options)
  const { getSourceFile, fileExists, readFile } = host
  Object.assign(host, {
    fileExists: (path: string) => texts.has(path) || fileExists(path),
    readFile: (path: string) => texts.get(path) ?? readFile(path),
    getSourceFile: (path: string, options: ts.CreateSourceFileOptions) => {
      const text = texts.get(path)
      return text === undefined ? getSourceFile(path, options) : ts.createSourceFile(path, text, options, true)
    },
  })
  const paths = [...texts.keys()]
  return { program: ts.createProgram({ rootNames: paths, options: config.options, host }), paths }
}

/** `file:line: what is wrong`, of these files alone. */
export function mistakesIn({ program, paths }: ReturnType<typeof programOf>): string[] {
  return paths.flatMap((path) => {
    const file = program.getSourceFile(path)
    const found = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]
    return found.map(({ start = 0, messageText }) => {
      const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start).line + 1
      return `${basename(path)}:${line}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`
    })
  })
}

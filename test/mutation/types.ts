/**
 * The type check of one changed file and of those that import it, in a compiler that is kept: a second a mutant, where
 * a whole check takes ten.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

/** `importers`: those of the file, directly or by way of others. */
export type TypeCheck = (file: string, text: string, importers: readonly string[]) => boolean

/** Returns whether the change is refused. */
export function createTypeCheck(root: string, files: readonly string[]): TypeCheck {
  const config = ts.getParsedCommandLineOfConfigFile(join(root, 'tsconfig.json'), {}, {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: (diagnostic) => {
      throw new Error(ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n'))
    },
  } as ts.ParseConfigFileHost)
  if (config === undefined) throw new Error('tsconfig.json cannot be read')
  const changed = new Map<string, { text: string; version: number }>()
  let version = 0
  const service = ts.createLanguageService({
    getCompilationSettings: () => config.options,
    getScriptFileNames: () => files.map((file) => join(root, file)),
    getScriptVersion: (name) => String(changed.get(name)?.version ?? 0),
    getScriptSnapshot(name) {
      const text = changed.get(name)?.text ?? (ts.sys.fileExists(name) ? readFileSync(name, 'utf8') : undefined)
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text)
    },
    getCurrentDirectory: () => root,
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    fileExists: ts.sys.fileExists,
    readFile: ts.sys.readFile,
    readDirectory: ts.sys.readDirectory,
    directoryExists: ts.sys.directoryExists,
    getDirectories: ts.sys.getDirectories,
  })
  const isRefused = (name: string): boolean =>
    service.getSyntacticDiagnostics(name).length > 0 || service.getSemanticDiagnostics(name).length > 0
  // What is declared to others decides whether anything can change for them.
  const declared = (name: string): string => service.getEmitOutput(name, true, true).outputFiles[0]?.text ?? ''
  return (file, text, importers) => {
    const name = join(root, file)
    const before = readFileSync(name, 'utf8')
    const asBefore = importers.length === 0 ? '' : declared(name)
    changed.set(name, { text, version: ++version })
    try {
      if (isRefused(name)) return true
      return (
        importers.length > 0 && declared(name) !== asBefore && importers.some((each) => isRefused(join(root, each)))
      )
    } finally {
      changed.set(name, { text: before, version: ++version })
    }
  }
}

/** Which files see a file: those that import it, directly or by way of others, the nearest first. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ts from 'typescript'

export type Importer = { file: string; distance: number }

/** `files`: paths below `root`. */
export function importGraph(root: string, files: readonly string[]): (file: string) => Importer[] {
  const importers = new Map<string, string[]>()
  for (const file of files) {
    for (const imported of importsOf(root, file)) importers.set(imported, [...(importers.get(imported) ?? []), file])
  }
  return (file) => {
    const distances = new Map([[file, 0]])
    // Grows while it is walked.
    for (const at of distances.keys()) {
      for (const importer of importers.get(at) ?? []) {
        if (!distances.has(importer)) distances.set(importer, (distances.get(at) ?? 0) + 1)
      }
    }
    return [...distances]
      .filter(([, distance]) => distance > 0)
      .map(([each, distance]) => ({ file: each, distance }))
      .sort((a, b) => a.distance - b.distance || a.file.localeCompare(b.file))
  }
}

/** As package.json has it in `imports`. */
const SHARED = '#shared/'

function importsOf(root: string, file: string): string[] {
  const { importedFiles } = ts.preProcessFile(readFileSync(join(root, file), 'utf8'), true, true)
  return importedFiles.flatMap(({ fileName }) => {
    const path = fileName.startsWith(SHARED)
      ? join('shared', fileName.slice(SHARED.length))
      : join(dirname(file), fileName)
    if (!fileName.startsWith('.') && !fileName.startsWith(SHARED)) return []
    return existsSync(join(root, path)) ? [path] : []
  })
}

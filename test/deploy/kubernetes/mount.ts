/** A ConfigMap as the kubelet mounts it: each file is a link into `..data`, a link to the folder of a version. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Closes } from '../../support/processes.ts'

const VERSION = '..2026_11_30_08_00_00.1'

/** The path of the folder. */
export function mounted(closes: Closes, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'headrace-mounted-'))
  closes.after(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, VERSION))
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, VERSION, name), text)
    symlinkSync(join('..data', name), join(folder, name))
  }
  symlinkSync(VERSION, join(folder, '..data_tmp'))
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
  return folder
}

/**
 * The living processes of this machine with their parents and groups. Assumes Linux's /proc, or a `ps` (macOS, BSD).
 */
import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

export type ProcessEntry = { pid: number; parent: number; group: number; command: string }

export function processTable(): Promise<ProcessEntry[]> {
  return process.platform === 'linux' ? tableFromProc() : tableFromPs()
}

/** Children, their children, and so on; not the process itself. */
export function descendantsOf(table: readonly ProcessEntry[], pid: number): ProcessEntry[] {
  const known = new Set([pid])
  const found: ProcessEntry[] = []
  for (let before = -1; before < found.length; ) {
    before = found.length
    for (const entry of table) {
      if (known.has(entry.pid) || !known.has(entry.parent)) continue
      known.add(entry.pid)
      found.push(entry)
    }
  }
  return found
}

async function tableFromProc(): Promise<ProcessEntry[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  return (await Promise.all(pids.map(entryFromProc))).flatMap((entry) => entry ?? [])
}

/** proc(5): state, parent and group follow the name in brackets, which may hold spaces. */
async function entryFromProc(pid: string): Promise<ProcessEntry | null> {
  try {
    const [stat, command] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile(`/proc/${pid}/cmdline`, 'utf8'),
    ])
    const [state, parent, group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (state === 'Z' || state === 'X') return null
    return {
      pid: Number(pid),
      parent: Number(parent),
      group: Number(group),
      command: command.replaceAll('\0', ' ').trim(),
    }
  } catch {
    // It has ended since the list was read.
    return null
  }
}

async function tableFromPs(): Promise<ProcessEntry[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=,pgid=,state=,args='])
  return stdout.split('\n').flatMap((line) => {
    const [, pid, parent, group, state, command = ''] = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? []
    if (pid === undefined || state?.startsWith('Z')) return []
    return [{ pid: Number(pid), parent: Number(parent), group: Number(group), command }]
  })
}

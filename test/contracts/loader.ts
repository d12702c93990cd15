/**
 * What the loader survives, line by line, and the tests that show it: a file for each theme in `loader/`. Whatever
 * happens, the end is the same: for each key FINAL shows the newest version of all that the topic holds; what is in the
 * topic is in the table or in the dead letters; offsets only grow unless a person sets them back; no watermark is ahead
 * of the table.
 */
import { group } from './loader/group.ts'
import { killed } from './loader/killed.ts'
import type { Line } from './loader/line.ts'
import { records } from './loader/records.ts'
import { probes, servers } from './loader/servers.ts'

export const everyLine: readonly Line[] = [...killed, ...servers, ...probes, ...group, ...records]

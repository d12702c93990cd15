/** What the loader survives: its own end at any moment. */
import type { Shown } from '../shown.ts'
import { type Line, NO_COMMIT_PASSES } from './line.ts'

const STOP = 'loader/behaviour/stop.test.ts'
const KILLED = 'faults/loader-kill.test.ts'
const PIPELINE_KILLED = 'faults/pipeline-kill-loader.test.ts'
const STOPS = 'scenarios/stop.test.ts'
const PIPELINE_KILL: Shown = [
  PIPELINE_KILLED,
  `\${name}, everything is loaded, and the watermark was never ahead of the table`,
]

export const killed: readonly Line[] = [
  {
    when: 'it is killed between an insert and its commit',
    loader: 'inserts the rows again, and FINAL is the same',
    shownBy: [
      [KILLED, 'after the insert, before the commit: inserted again, FINAL the same'],
      PIPELINE_KILL,
      NO_COMMIT_PASSES,
    ],
  },
  {
    when: 'it is killed while the body of an insert is on its way',
    loader: 'has committed nothing of it, and nothing is lost',
    shownBy: [[KILLED, "in the middle of an insert's body: no commit, nothing lost"], PIPELINE_KILL],
  },
  {
    when: 'it is killed again and again, or beside another one that joins',
    loader: 'goes on where it had committed',
    shownBy: [
      [KILLED, 'again and again while batches are under way: nothing lost, nothing twice, offsets only grow'],
      [PIPELINE_KILLED, 'while another one joins, that one loads everything'],
    ],
  },
  {
    when: 'it is told to stop under load',
    loader: 'inserts and commits what it has, and ends with 0 within its deadline; a second signal ends it at once',
    shownBy: [
      [STOP, 'under load inserts what was read, commits it and leaves: the next one begins exactly there'],
      [STOP, 'while a table takes nothing does not wait for it, and commits nothing'],
      [KILLED, 'ends it in order with exit status 0'],
      [KILLED, 'a second signal ends it at once, whatever is in hand'],
      [
        STOPS,
        `by \${signal} under load ends both services with 0: what was asked for is published, what was inserted is committed`,
      ],
      [STOPS, 'of a loader waits for the insert in hand and commits it'],
      [STOPS, 'of a loader whose insert hangs ends by a second signal, or at the deadline, with nothing committed'],
    ],
  },
]

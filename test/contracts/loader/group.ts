/** What the loader survives: changes of its consumer group and of the topics. */
import { type Line, NO_COMMIT_PASSES, RANDOM_FAULTS } from './line.ts'

const LOAD = 'loader/behaviour/load.test.ts'
const GROUP = 'faults/loader-group.test.ts'
const GAP = 'faults/loader-gap.test.ts'
const STOPPED = 'scenarios/stopped-loader.test.ts'
const LOST = 'scenarios/lost-log.test.ts'

export const group: readonly Line[] = [
  {
    when: 'another loader joins, leaves and joins in the middle of batches',
    loader: 'commits nothing that is no longer its own, and whoever owns it goes on from the committed offset',
    shownBy: [
      [
        GROUP,
        'joins, leaves and joins in the middle of batches: partitions are shared, offsets only grow, nothing is lost or twice',
      ],
      NO_COMMIT_PASSES,
    ],
  },
  {
    when: 'it stands still for longer than its session',
    loader: 'does no harm with a late insert, is refused its commit, and joins again',
    shownBy: [
      [GROUP, 'does no harm with its late insert; its commit is refused and it joins again'],
      [
        'faults/loader-late-insert.test.ts',
        'an insert of a loader that stands still goes in after newer versions were loaded and committed: FINAL and commits are as they were',
      ],
      NO_COMMIT_PASSES,
      RANDOM_FAULTS,
    ],
  },
  {
    when: 'a person sets its offsets back to the beginning, and old versions come after newer ones, twice',
    loader: 'leaves FINAL as it was, and the API is asked for nothing',
    shownBy: [
      [LOAD, 'offsets reset to the beginning, with older versions after newer ones, twice: FINAL stays the same'],
      [LOAD, 'a replay of a table that was dropped makes it anew'],
      [STOPPED, `\${how}, everything is loaded again, the table stays the same, and the API is asked for nothing old`],
    ],
  },
  {
    when: 'retention took records before it read them, or the topic was made anew',
    loader: 'says which, keeps its watermark, and the fetcher asks again from there',
    shownBy: [
      [
        GAP,
        'are named with their bounds; the watermark waits for the fetcher, who still sees the gap after loading went on',
      ],
      [
        GAP,
        'and before any loader had committed anything are lost as well: they are named, and no watermark hides them',
      ],
      [GAP, 'with nothing left behind them move the position all the same, so a one-shot load ends'],
      [GAP, 'is read from its start, and its rows go in although their offsets were there before'],
      [
        'loader/consume/group-member.unit.test.ts',
        'a gap that an assignment before has met says nothing of the present one, which began behind it',
      ],
      NO_COMMIT_PASSES,
      [LOST, 'the next run starts at the confirmed watermark, and log, metric and status say what was lost'],
      [LOST, 'a loader that moves on first hides nothing: the watermark waits for the fetcher'],
      [LOST, 'a topic that was deleted is made anew and filled again'],
    ],
  },
]

/** What the fetcher promises of the quotas of an API. */
import type { Line } from '../shown.ts'

const DAY = 'scenarios/day.test.ts'

export const quotas: readonly Line[] = [
  {
    server: 'counts requests by the second and by the day, by path, or by weight',
    fetcher: 'keeps each quota in any window, over all workers, and an exhausted one holds up only what it counts',
    shownBy: [
      [
        'fetcher/behaviour/several-quotas.unit.test.ts',
        'are each kept in any window, with paths and weights, over workers that come, go and start anew',
      ],
      ['fetcher/behaviour/several-quotas.unit.test.ts', 'do not hold up requests that an exhausted one does not count'],
      [
        'fetcher/behaviour/limited-workers.unit.test.ts',
        'is never passed in any window, whatever partitions change hands, workers start anew and answers take',
      ],
      [DAY, 'the API counts no request more than its quota in any window, and none earlier than it asked for'],
    ],
  },
  {
    server: 'answers 200 with an error in the body; or has statuses of its own for retry, skip, empty and stop',
    fetcher: 'takes them for what is declared',
    shownBy: [
      [
        'fetcher/http/layers/classify-response.unit.test.ts',
        'is asked again if it passes, at most as often as every other',
      ],
      [
        'fetcher/http/layers/classify-response.unit.test.ts',
        'is never asked again if it does not pass, and is shown without the credentials',
      ],
      [
        'fetcher/http/layers/classify-response.unit.test.ts',
        'means what the stream says of it, else what the source says, else what HTTP says',
      ],
    ],
  },
]

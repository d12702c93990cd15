/** What the fetcher promises of deletes that it does not trust. */
import type { Line } from '../shown.ts'

export const withheldDeletes: readonly Line[] = [
  {
    server: 'ends a full list early, empties it, or gives another one, without a sign of it',
    fetcher:
      'says that deletes are withheld; they stay so until a later walk is whole or a person releases that one walk',
    shownBy: [
      [
        'scenarios/withheld-deletes.test.ts',
        'a walk that ends at 20 of 60 deletes nothing, offsets move on, and status says so over restarts until a walk is whole again',
      ],
      [
        'scenarios/withheld-deletes.test.ts',
        'another list altogether deletes nothing, however long it is, nor does its second walk',
      ],
      [
        'scenarios/withheld-deletes.test.ts',
        'an empty answer deletes nothing; released by a person it deletes all, this once',
      ],
      [
        'scenarios/withheld-deletes.test.ts',
        'a walk that was released and cut off keeps the permission when the next run completes it',
      ],
    ],
  },
]

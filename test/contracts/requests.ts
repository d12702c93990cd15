/** What the fetcher promises of its requests: where they hold a value, and what an author may compute. */
import type { Line } from './shown.ts'

const PLACES = 'fetcher/behaviour/request-places.unit.test.ts'
const COMPUTED = 'fetcher/behaviour/computed-requests.unit.test.ts'
const DECLARED = 'shared/declaration/checks/request.unit.test.ts'

export const requests: readonly Line[] = [
  {
    server: 'takes numbers, offsets, cursors or keys in a JSON body, a form or a header',
    fetcher:
      'puts them there and leaves the rest of the request as it is; an interrupted walk resumes with the same requests',
    shownBy: [
      [PLACES, 'as a page number and a size into a JSON body, as numbers, and the other keys of the body stay'],
      [PLACES, 'as an offset and a limit into a form, beside its other fields'],
      [PLACES, 'as an offset into headers, whose limit stays a parameter'],
      [PLACES, 'as the key of the last record into a form or a header'],
      [DECLARED, 'a cursor in a form that is not there'],
      [DECLARED, 'two values for one field of the form'],
    ],
  },
  {
    server: 'takes a watermark and an end in a form, a header or a JSON body',
    fetcher: 'puts them there, in every window too',
    shownBy: [
      [PLACES, 'into a form, windows included'],
      [PLACES, 'into headers and the JSON body'],
    ],
  },
  {
    server: 'wants a cursor with the first page, a parameter several times, or reads the body of a GET',
    fetcher: 'sends what is declared',
    shownBy: [
      [PLACES, 'as a cursor into a form, and the first page has the one that opens the list'],
      [PLACES, 'sends its parameter once for each of them, and none at all when it is empty'],
      [PLACES, 'as a GET with a body where the declaration says so'],
      [DECLARED, 'a form without a method'],
    ],
  },
  {
    server: 'wants a query, a path or a body that only code can write',
    fetcher:
      'calls the functions of the request for each page, with the same argument after every restart, and never with a secret',
    shownBy: [
      [COMPUTED, 'gets page and cursor of each page, the same after every interruption'],
      [COMPUTED, 'gets the page within the walk of its own slice, the same after every interruption'],
      [COMPUTED, 'writes the ends of each window where only a query language takes them'],
      [COMPUTED, 'resumes in the middle with the page and the cursor of its checkpoint'],
      [
        'fetcher/pages/computed-request.unit.test.ts',
        'gets the partition, the ends, the page and the cursor, and nothing else',
      ],
      [
        COMPUTED,
        'stops with the mistake of the declaration at the page where its function fails, and keeps the pages before',
      ],
    ],
  },
]

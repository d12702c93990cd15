/** What the fetcher promises of a folder of declarations, some of which cannot be used. */
import type { Line } from '../shown.ts'

const SOURCES = 'shared/declaration/load-sources.unit.test.ts'
const ASKED = 'cli/init/ask-api.test.ts'
const TODO = 'shared/declaration/todo.unit.test.ts'
const UNFINISHED = 'scenarios/unfinished-source.test.ts'

/** Not of an API: of the folder that its declarations lie in. */
export const declarations: readonly Line[] = [
  {
    server: 'has a declaration beside it that cannot be used: unfinished, of a name that is taken, waiting for ever',
    fetcher: 'fetches all others, names file, line and column, and ends with 1; a stream that is named is done with 0',
    shownBy: [
      [
        UNFINISHED,
        'is named by fetch --once, which fetches all others and ends with 1; a stream that is named is done with 0',
      ],
      [UNFINISHED, 'does not stop the service: it says so in log and metric, and fetches the others'],
      [UNFINISHED, 'matters to check, preview and the replay of dead letters only if it is the one that is named'],
      [SOURCES, 'is not replaced by the built-in example of its name'],
      [SOURCES, 'is each of two that declare one source, and no other'],
      [SOURCES, 'a top level that waits for ever is given up, and named'],
      [SOURCES, 'a script that would end the command'],
    ],
  },
  {
    server: 'pages by a Link header, a cursor, a URL, page numbers or offsets, and nobody has declared that',
    fetcher:
      'init writes a declaration that runs without an edit; what it cannot know, check names with file and field',
    shownBy: [
      [ASKED, 'the URL of the next page'],
      [ASKED, 'what two pages cannot say is a question that check names with file and field, and nothing runs'],
      [ASKED, 'secrets of a curl command line become variables, and their values are in no file and no output'],
      [TODO, 'an open decision is refused with file, stream, field and question, before any other mistake'],
    ],
  },
]

/** What is said of one stream: comments in the declaration, and questions that its author has to answer. */
import type { SettledStream } from './settle-stream.ts'
import { openQuestions, type Parents } from './stream-extras.ts'

export function notesOf({ stream, reason }: SettledStream): string[] {
  const { description, deprecated, pathValues, isOnlyList, exampleParams } = stream
  return [
    ...(description === null ? [] : [description]),
    ...(reason === null ? [] : [`In doubt: all of it is from the document. ${sentence(reason)}`]),
    ...(deprecated ? ['In doubt: the document calls it deprecated.'] : []),
    ...(isOnlyList ? [] : ['In doubt: the response has several lists.']),
    ...(pathValues?.parent == null ? [] : [parentNote(pathValues.parent)]),
    ...(exampleParams.length === 0
      ? []
      : [`In doubt: the document gives ${exampleParams.join(', ')} as examples only.`]),
  ]
}

const parentNote = ({ stream, field }: { stream: string; field: string }): string =>
  `In doubt: the path takes ${field} of each record of ${stream}.`

const sentence = (text: string): string =>
  `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`

/** As `check` names them. */
export function openQuestionsOf({ stream, findings }: SettledStream, parents: Parents): string[] {
  const { open } = findings.paging
  const paging =
    open === null
      ? []
      : [{ field: open.option === null ? 'paginate' : `paginate.${open.option}`, question: open.question }]
  return [...openQuestions(stream, parents), ...paging].map(
    ({ field, question }) => `stream ${stream.stream}, field ${field}: ${question}`,
  )
}

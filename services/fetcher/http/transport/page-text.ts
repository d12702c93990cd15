/** The text of a page's bytes, by their charset. A page is whole text, or a failed attempt. */
import { AttemptFailed } from '../errors.ts'
import { NotText, textOf } from './charset.ts'

/** `notes`: what was found before, with what is found here. Throws AttemptFailed for bytes that are not text. */
export function pageText(
  bytes: Buffer,
  contentType: string | undefined,
  notes: readonly string[],
): { text: string; note: string | null; notes: readonly string[] } {
  try {
    const { text, note } = textOf(bytes, contentType)
    return { text, note, notes: note === null ? notes : [...notes, note] }
  } catch (error) {
    if (!(error instanceof NotText)) throw error
    const said = notes.length === 0 ? error.message : `${error.message} (${notes.join('; ')})`
    throw new AttemptFailed(error.ends ? 'cut' : 'unreadable', said)
  }
}

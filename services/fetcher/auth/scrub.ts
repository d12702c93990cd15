/**
 * Takes secrets out of a text that an API wrote: some quote the key that they refuse. A secret is found in the forms that it takes in URLs, forms,
 * headers and JSON, and as the beginning that is left of it where the text was cut ("…").
 */

export const HIDDEN = '***'
/** Shorter ones would also be found in words that are no secret. */
const SECRET_CHARS_MIN = 4
const CUT = '…'

/** `secrets` is read at each text, since a token changes. */
export function scrubber(secrets: () => readonly string[]): (text: string) => string {
  let known: readonly string[] = []
  let forms: readonly string[] = []
  return (text) => {
    const given = secrets()
    if (given.length !== known.length || given.some((secret, index) => secret !== known[index])) {
      known = [...given]
      forms = allFormsOf(known)
    }
    let shown = text
    for (const form of forms) shown = shown.replaceAll(form, HIDDEN)
    if (shown.includes(CUT)) for (const form of forms) shown = withoutBeginning(shown, form)
    return shown
  }
}

/** The longest first: of a form that holds another one, nothing must be left over. */
function allFormsOf(secrets: readonly string[]): string[] {
  const forms = secrets.filter((secret) => secret.length >= SECRET_CHARS_MIN).flatMap(formsOf)
  return [...new Set(forms)].sort((a, b) => b.length - a.length)
}

function formsOf(secret: string): string[] {
  const base64 = Buffer.from(secret, 'utf8').toString('base64')
  return [
    secret,
    encodeURIComponent(secret),
    new URLSearchParams([['', secret]]).toString().slice(1),
    JSON.stringify(secret).slice(1, -1),
    base64,
    base64.replace(/=+$/, ''),
  ]
}

function withoutBeginning(text: string, form: string): string {
  let shown = text
  for (let at = shown.indexOf(CUT); at >= 0; at = shown.indexOf(CUT, at + 1)) {
    let length = Math.min(form.length - 1, at)
    while (length >= SECRET_CHARS_MIN && !shown.startsWith(form.slice(0, length), at - length)) length -= 1
    if (length < SECRET_CHARS_MIN) continue
    shown = `${shown.slice(0, at - length)}${HIDDEN}${shown.slice(at)}`
    at = at - length + HIDDEN.length
  }
  return shown
}

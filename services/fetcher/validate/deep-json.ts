/**
 * A value as JSON text, however deep it is nested. JSON.stringify gives up at a few thousand levels, but what an API
 * nests deeper must reach the dead-letter topic all the same. Assumes what a JSON parser returns, or nearly so: an
 * author's map may have touched it.
 */

/** More than a dead letter keeps; also the end of a value that an author's map has tied into a circle. */
const DEEP_TEXT_CHARS_MAX = 8 * 1024 * 1024

/** `charsMax`: of a value that is nested so deep; a longer text is cut there. */
export function rawText(value: unknown, charsMax: number = DEEP_TEXT_CHARS_MAX): string {
  try {
    return JSON.stringify(value) ?? 'null'
  } catch {
    return deepText(value, charsMax)
  }
}

type Step = { text: string } | { value: unknown }

function deepText(root: unknown, charsMax: number): string {
  let text = ''
  const todo: Step[] = [{ value: root }]
  while (text.length < charsMax) {
    const step = todo.pop()
    if (step === undefined) break
    if ('text' in step) text += step.text
    else if (typeof step.value === 'object' && step.value !== null) pushAll(todo, partsOf(step.value))
    else text += typeof step.value === 'bigint' ? String(step.value) : (JSON.stringify(step.value) ?? 'null')
  }
  return text
}

/** The last part first. One by one: a call has room for some hundred thousand arguments, and an array for more. */
function pushAll(todo: Step[], parts: readonly Step[]): void {
  for (let at = parts.length - 1; at >= 0; at--) todo.push(parts[at]!)
}

function partsOf(value: object): Step[] {
  const isArray = Array.isArray(value)
  const parts: Step[] = [{ text: isArray ? '[' : '{' }]
  for (const [name, inner] of Object.entries(value)) {
    const comma = parts.length > 1 ? ',' : ''
    parts.push({ text: isArray ? comma : `${comma}${JSON.stringify(name)}:` }, { value: inner })
  }
  parts.push({ text: isArray ? ']' : '}' })
  return parts
}

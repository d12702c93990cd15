/**
 * A value as JSON text, however deep it is nested. JSON.stringify fails at a few thousand levels, but a value that an
 * API nests deeper must still reach the dead-letter topic. Assumes roughly the output of a JSON parser: an author's map
 * may have changed it.
 */

/** More than a dead letter keeps. It also ends a cycle that an author's map has made. */
const DEEP_TEXT_CHARS_MAX = 8 * 1024 * 1024

/** `charsMax`: limit for a value that is nested too deep for JSON.stringify; a longer text is cut there. */
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

/** In reverse order. One by one: a call takes some hundred thousand arguments, and an array may have more elements. */
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

/**
 * Every error code of the product, read from the code that raises it: the class, the messages and the hints. Values in
 * a message are shown as `…`. So the document of errors says what the code says.
 */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { ROOT } from './typescript-program.ts'

/** `kind`: name of the class or function that takes the code, '' for a plain object. */
export type Raised = { code: string; kind: string; message: string; hint: string }

const FILES = ['services/**/*.ts', 'shared/**/*.ts']
const CODE = /^HR_[A-Z0-9_]+$/
const WRONG_USE = new Set(['WrongUse', 'DeclarationError'])
/** Longer texts are cut: the document is for finding a code, the error itself says the rest. */
const TEXTS_MAX = 4

export function raisedIn(path: string, text: string): Raised[] {
  const found: Raised[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteral(node) && CODE.test(node.text)) found.push(raisedAt(node))
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true))
  return found
}

export function allRaised(): Raised[] {
  return globSync(FILES, { cwd: ROOT })
    .sort()
    .flatMap((path) => raisedIn(path, readFileSync(join(ROOT, path), 'utf8')))
}

/** A code that is only compared, or kept in a list, has neither message nor hint. */
function raisedAt(code: ts.StringLiteral): Raised {
  const none = { code: code.text, kind: '', message: '', hint: '' }
  const { parent } = code
  if ((ts.isNewExpression(parent) || ts.isCallExpression(parent)) && parent.arguments !== undefined) {
    const at = parent.arguments.indexOf(code)
    const message = textOf(parent.arguments[at + 1])
    const hint = parent.arguments
      .slice(at + 2)
      .map(hintOf)
      .find((text) => text !== '')
    const kind = ts.isIdentifier(parent.expression) ? parent.expression.text : ''
    return { code: code.text, kind, message, hint: hint ?? '' }
  }
  if (
    ts.isPropertyAssignment(parent) &&
    parent.name.getText() === 'code' &&
    ts.isObjectLiteralExpression(parent.parent)
  )
    return { ...none, message: textOf(propertyOf(parent.parent, 'message')), hint: hintOf(parent.parent) }
  return none
}

function propertyOf(object: ts.ObjectLiteralExpression, name: string): ts.Expression | undefined {
  const found = object.properties.find((each) => each.name?.getText() === name)
  return found !== undefined && ts.isPropertyAssignment(found) ? found.initializer : undefined
}

const hintOf = (node: ts.Node): string =>
  ts.isObjectLiteralExpression(node) ? textOf(propertyOf(node, 'hint')) : ts.isStringLiteralLike(node) ? node.text : ''

/** What is put into a text: the command as most people call it, else nothing that the code could tell. */
const put = (expression: ts.Expression): string => (expression.getText() === 'HEADRACE' ? 'npx headrace' : '…')

/** The first text of an expression, with `…` for what is put in. */
function textOf(node: ts.Expression | undefined): string {
  if (node === undefined) return ''
  if (ts.isStringLiteralLike(node)) return node.text
  if (ts.isTemplateExpression(node))
    return node.head.text + node.templateSpans.map(({ expression, literal }) => put(expression) + literal.text).join('')
  if (ts.isBinaryExpression(node)) return `${textOf(node.left)}${textOf(node.right)}`
  if (ts.isConditionalExpression(node)) return textOf(node.whenTrue) || textOf(node.whenFalse)
  if (ts.isParenthesizedExpression(node)) return textOf(node.expression)
  return ''
}

/** What a code is about, where its messages are put together from what differs. */
export const EXPLAINED: Readonly<Record<string, string>> = {
  HR_API_CHANGED:
    'so many records of a page are refused that the API has probably changed; nothing of the page is published',
  HR_ATTEMPT_FAILED: 'one attempt of a request failed: the connection, its time, or an unreadable answer',
  HR_BASE_URL: 'the setting that `baseUrl` names does not hold the address of an API',
  HR_CREDENTIALS_REFUSED: 'the API or its token endpoint refuses the credentials (401, 403, `invalid_client`)',
  HR_DECLARATION: 'a mistake in the declaration of a source; the message names file, stream and field',
  HR_DECISION_OPEN: 'the declaration still holds a `todo(…)`',
  HR_DEFECT: 'an error that Headrace does not know: a defect of a function in the declaration, or of Headrace',
  HR_INTERRUPTED: 'the process was ended by a signal before it was done',
  HR_JOB_GONE: 'the API does not know the export job any more',
  HR_KAFKA_ACL: 'an ACL is missing; the message names the user, the operation and the resource',
  HR_KAFKA_PUBLISH: 'Kafka did not accept a transaction; nothing of it is visible, and it is tried again',
  HR_KAFKA_REFUSED: 'Kafka refuses the login; the message says why',
  HR_KAFKA_REQUEST: 'Kafka did not answer a request',
  HR_KAFKA_TOKEN_REFUSED: 'the token endpoint refuses the client, or is not a token endpoint; the message says why',
  HR_KAFKA_UNFENCED: 'the user of this process may not write to a topic or with a transactional id',
  HR_LOAD_STALLED: '`load --until-caught-up` cannot finish: a table takes no rows until a person has acted',
  HR_NO_NEXT_PAGE: 'an answer lacks what names the next page',
  HR_NO_RECORDS: 'an answer lacks the list of records',
  HR_OPENAPI: 'the OpenAPI document cannot be read, or has no such list',
  HR_OPTION: 'an option of the environment or of a command is unknown or has another form',
  HR_PACKAGES_MISSING: 'the local stack or the sample API needs npm packages that are not installed',
  HR_PAGE_FAILED: 'a page was requested as often as `attemptsMax` allows; the message names the last answer',
  HR_PAGE_REFUSED: 'the API refuses the request with a status that a retry does not change',
  HR_PAGE_SKIPPED: 'the declaration skips the answer to this page',
  HR_PAGE_UNREADABLE: 'an answer arrived whole and cannot be read; the message says where',
  HR_PARKED: 'the API asks for a wait longer than `waitMax`; the message says until when',
  HR_PRIVATE_KEY: 'the private key of a credential cannot be used',
  HR_REBUILD_SCHEMA: 'the registry has no usable schema for the new table',
  HR_REBUILD_STUCK: 'the new table takes no rows',
  HR_RECORDING: 'a recording cannot be read, or does not fit the stream',
  HR_REFRESH_TOKEN_DEAD: 'the token endpoint refuses the refresh token for good',
  HR_REPEATED_PAGE: 'a page came again: the walk would go in a circle',
  HR_SHARED_SECRET: 'the shared secret of a credential cannot be used',
  HR_SHARES_FAILED: 'some slices of a partition failed; the message names them',
  HR_SOURCE_UNUSABLE: 'a file of a source cannot be used; its streams are not fetched',
  HR_STACK_COMMAND_FAILED: 'a command of the local stack failed; the message has the end of its log',
  HR_STACK_PORT_INVALID: 'a port of the local stack is not a number from 1 to 65535',
  HR_TOKEN_STORE: 'the folder of refresh tokens cannot be used',
  HR_TOKEN_UNAVAILABLE: 'the token endpoint did not answer with a token',
  HR_TOKEN_URL: 'the address of the token endpoint cannot be used',
  HR_UNKNOWN_STREAM: 'no source declares such a stream',
  HR_WALK_SHORT: 'a walk ended short of the total that the API named',
}

/** A text that is little more than what is put in, such as `…: …`, explains nothing. */
const LETTERS_MIN = 14
const saysSomething = (text: string): boolean => text.replace(/[^a-z]/gi, '').length >= LETTERS_MIN

export type ErrorCode = { code: string; status: string; messages: string[]; hints: string[] }

/** One entry a code, in alphabetical order, with its different messages and hints. */
export function errorCodes(all: readonly Raised[]): ErrorCode[] {
  return [...new Set(all.map(({ code }) => code))].sort().map((code) => {
    const raised = all.filter((each) => each.code === code)
    const texts = (field: 'message' | 'hint' | 'kind') =>
      [...new Set(raised.map((each) => each[field].trim()))].filter((text) => text !== '')
    const own = EXPLAINED[code]
    const kinds = texts('kind')
    return {
      code,
      status: kinds.length > 0 && kinds.every((kind) => WRONG_USE.has(kind)) ? '2' : '1',
      messages: [...(own === undefined ? [] : [own]), ...texts('message').filter(saysSomething)],
      hints: texts('hint'),
    }
  })
}

export function errorsText(codes: readonly ErrorCode[]): string {
  const shown = (texts: readonly string[]) => texts.slice(0, TEXTS_MAX).map((text) => plain(text))
  return codes
    .map(({ code, status, messages, hints }) =>
      [
        `### ${code}`,
        '',
        ...shown(messages).map((text) => `- ${text}`),
        ...shown(hints).map((text) => `- **What to do:** ${text}`),
        `- Exit status ${status}.`,
        '',
      ].join('\n'),
    )
    .join('\n')
}

/** Texts of the code are not Markdown, and a message can span lines. */
const plain = (text: string): string =>
  text
    .replace(/\s+/g, ' ')
    .replace(/[<>]/g, (sign) => (sign === '<' ? '&lt;' : '&gt;'))
    .replace(/([*[\]|])/g, '\\$1')

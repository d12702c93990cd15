/**
 * Open decisions: `paginate: todo('Which parameter takes the cursor?')`. A declaration that `headrace init` wrote from
 * responses marks with it what they do not say. Such a source cannot run. `check` names each place with its question.
 */
import { DeclarationError } from '../errors.ts'

type Todo = { kind: 'todo'; question: string }

/** Stands for any value of a declaration until its author has decided. */
export const todo = (question: string): never => ({ kind: 'todo', question }) as never

const isTodo = (value: object): value is Todo =>
  (value as Partial<Todo>).kind === 'todo' && typeof (value as Partial<Todo>).question === 'string'

/** Deeper values are not of a declaration. */
const DEPTH_MAX = 12

type OpenDecision = { path: readonly string[]; question: string }

function todosIn(value: unknown, path: readonly string[] = []): OpenDecision[] {
  if (typeof value !== 'object' || value === null || path.length > DEPTH_MAX) return []
  if (isTodo(value)) return [{ path, question: value.question }]
  if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype) return []
  return Object.entries(value).flatMap(([name, inner]) => todosIn(inner, [...path, name]))
}

/** An error for each open decision of a declaration. */
export function openDecisions(input: unknown, file: string): DeclarationError[] {
  return todosIn(input).map(({ path, question }) => {
    const inStream = path[0] === 'streams' && path.length > 1
    const field = (inStream ? path.slice(2) : path).join('.')
    const where = [file, ...(inStream ? [`stream ${path[1]}`] : []), ...(field === '' ? [] : [`field ${field}`])]
    return new DeclarationError('HR_DECISION_OPEN', `${where.join(', ')}: to decide: ${question}`, {
      hint: 'replace todo(…) there with the answer',
    })
  })
}

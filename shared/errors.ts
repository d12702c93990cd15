/**
 * The errors that code decides by. The class says what its catcher does: print and exit, retry, reject the page, stop
 * the run. Each has a stable `code`, a message that names the subject, and a hint what to do about it. A message never
 * holds a secret: code that builds one passes URLs through `redactUrl` first.
 */

export type ErrorDetails = { hint?: string | undefined; cause?: unknown }

export class HeadraceError extends Error {
  readonly code: string
  readonly hint: string | undefined

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = new.target.name
    this.code = code
    this.hint = details.hint
  }
}

/** A person's mistake in a command, an option or a file: printed as one line, exit status 2. */
export class WrongUse extends HeadraceError {}

/** A declaration that cannot run: names file, stream and field; exit status 2. */
export class DeclarationError extends HeadraceError {
  /** Every mistake of the file, this one included, where several were found at once; else empty. */
  readonly all: readonly DeclarationError[] = []

  /** This error, with others of the same file. */
  with(others: readonly DeclarationError[]): DeclarationError {
    if (others.length === 0) return this
    const hint = `${this.hint ?? 'correct it'}; headrace check lists ${others.length} more`
    return Object.assign(new DeclarationError(this.code, this.message, { hint }), { all: [this, ...others] })
  }
}

/** A server or a credential that this process needs and does not get: printed as one line, exit status 1. */
export class Unavailable extends HeadraceError {}

/**
 * Work that stops for a reason a person must see (a changed API, a cycle, a refused schema): exit status 1, no retry.
 */
export class Stopped extends HeadraceError {}

/** The text that a person reads: message, then what to do. */
export function explain(error: unknown): string {
  if (error instanceof HeadraceError)
    return error.hint === undefined ? error.message : `${error.message}\n  hint: ${error.hint}`
  return messageOf(error)
}

/** 0 done, 1 failed, 2 wrong use. */
export function exitStatusOf(error: unknown): 1 | 2 {
  return error instanceof WrongUse || error instanceof DeclarationError ? 2 : 1
}

/**
 * The message of an error. An AggregateError from a failed connect has none of its own, so those of its parts are
 * joined.
 */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ')
  if (error instanceof Error) return error.message
  return String(error)
}

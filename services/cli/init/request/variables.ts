/**
 * Secrets of a request that a person gave. `$NAME` stands for an environment variable, and a value that is a secret
 * gets a variable of its own. Only the names leave this file; values are for the requests of this one command.
 */
import { SECRET_NAME } from '#shared/declaration/secret.ts'
import { WrongUse } from '#shared/errors.ts'

const [OPEN, CLOSE] = ['\uE000', '\uE001']
const MARKED = new RegExp(`^${OPEN}(\\w+)${CLOSE}$`)

/** A variable inside a text. */
export const variableMark = (name: string): string => `${OPEN}${name}${CLOSE}`

/** A text that a person typed: `$NAME` and `${NAME}` are variables. */
export const withVariables = (text: string): string =>
  text.replaceAll(/\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))/g, (_, braced: string, plain: string) =>
    variableMark(braced ?? plain),
  )

export const hasVariable = (text: string): boolean => text.includes(OPEN)

export type SecretVariables = {
  /** The variable of a secret: the one that the text is, or one named after the source and `what`. */
  of(text: string, what: string): { secret: string }
  /** Values that were given, by variable. */
  values: ReadonlyMap<string, string>
}

/** `source`: names of variables begin with it. */
export function secretVariables(source: string): SecretVariables {
  const values = new Map<string, string>()
  const named = (what: string): string =>
    `${source}_${what}`
      .toUpperCase()
      .replaceAll(/[^A-Z0-9]+/g, '_')
      .replaceAll(/^_+|_+$/g, '')
  return {
    values,
    of(text, what) {
      const variable = MARKED.exec(text)?.[1]
      if (variable !== undefined) {
        if (SECRET_NAME.test(variable)) return { secret: variable }
        throw new WrongUse('HR_OPTION', `$${variable} cannot be the name of a secret`, {
          hint: 'use capital letters, digits and _, e.g. $SHOP_TOKEN',
        })
      }
      if (hasVariable(text)) throw mixed(what)
      const known = [...values].find(([, value]) => value === text)?.[0]
      if (known !== undefined) return { secret: known }
      let name = named(what)
      for (let number = 2; values.has(name); number++) name = `${named(what)}_${number}`
      values.set(name, text)
      return { secret: name }
    },
  }
}

const mixed = (what: string): WrongUse =>
  new WrongUse('HR_OPTION', `the value of ${what} mixes a variable with other text`, {
    hint: 'give a variable that holds the whole value',
  })

/** Throws WrongUse for a variable where a declaration has no secret. */
export function refuseVariable(text: string, where: string): string {
  if (!hasVariable(text)) return text
  throw new WrongUse('HR_OPTION', `${where} has a variable, which only a header, a key or a password may have`, {
    hint: 'write its value there',
  })
}

/**
 * The partition key of a table, as an author writes it. ClickHouse merges versions of a row within one partition only.
 * So the key may depend on the primary key only, through deterministic functions. Anything else would leave two
 * versions of one row visible.
 */

const FUNCTIONS = [
  ...[
    'toYYYYMM',
    'toYYYYMMDD',
    'toYear',
    'toStartOfYear',
    'toStartOfQuarter',
    'toStartOfMonth',
    'toMonday',
    'toDate',
    'toDate32',
  ],
  ...[
    'intDiv',
    'modulo',
    'positiveModulo',
    'bitAnd',
    'bitShiftRight',
    'abs',
    'toString',
    'lower',
    'upper',
    'substring',
    'left',
    'tuple',
  ],
  ...['cityHash64', 'sipHash64', 'xxHash64', 'xxh3', 'murmurHash3_64'],
]

const TOKEN = /\s*(`(?:[^`\\]|\\.)*`|[A-Za-z_]\w*|\d+|'[A-Za-z0-9_/ -]*'|[(),%*+-])/y

/** What is wrong with it and what to do, or null. */
export function partitionKeyMistake(
  expression: string,
  primaryKey: readonly string[],
): { what: string; hint: string } | null {
  const tokens = tokensOf(expression)
  if (tokens === null)
    return {
      what: 'is not an expression of names, functions and numbers',
      hint: "write it like partitionBy: 'toYYYYMM(created_at)'",
    }
  const names = tokens.flatMap((token, index) =>
    /^[A-Za-z_`]/.test(token) ? [{ name: token, called: tokens[index + 1] === '(' }] : [],
  )
  const unknown = names.find(({ name, called }) => called && !FUNCTIONS.includes(name))
  if (unknown !== undefined) return { what: `calls ${unknown.name}`, hint: `allowed: ${FUNCTIONS.join(', ')}` }
  const fields = names.filter(({ called }) => !called).map(({ name }) => name.replace(/^`(.*)`$/, '$1'))
  const outside = fields.find((field) => !primaryKey.includes(field))
  if (outside !== undefined) {
    return {
      what: `uses ${outside}, which is not in primaryKey: a row whose value changes would appear twice`,
      hint: `use ${primaryKey.join(', ')} only, or add ${outside} to primaryKey if it never changes`,
    }
  }
  return fields.length === 0 ? { what: 'uses no field', hint: 'remove partitionBy: a table needs no partitions' } : null
}

/** Null for a text that contains anything else, or closes a parenthesis that it did not open. */
function tokensOf(expression: string): string[] | null {
  const tokens: string[] = []
  let depth = 0
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < expression.trimEnd().length) {
    const token = TOKEN.exec(expression)?.[1]
    if (token === undefined) return null
    depth += token === '(' ? 1 : token === ')' ? -1 : 0
    if (depth < 0) return null
    tokens.push(token)
  }
  return depth === 0 && tokens.length > 0 ? tokens : null
}

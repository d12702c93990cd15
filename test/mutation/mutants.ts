/**
 * Small changes of a source file, each of which some test should notice: a comparison that is off by one, a condition
 * that is always true, a call that is left out. Pure. Texts for people and log lines are not changed: they decide
 * nothing.
 */
import ts from 'typescript'

export type Mutant = {
  file: string
  /** Offsets in the file's text. */
  start: number
  end: number
  original: string
  replacement: string
  operator: string
  /** From 1. */
  line: number
  column: number
  /** The line without its indentation: names the place when lines move. */
  lineText: string
  /** From 0, of those that are alike in all this. */
  nth: number
}

type Place = 'start' | 'end' | 'line' | 'column'
/** A mutant wherever its line is by now. */
export type Named = Omit<Mutant, Place>

const COMPARISONS: Readonly<Record<string, string>> = {
  ...{ '<': '<=', '<=': '<', '>': '>=', '>=': '>', '===': '!==', '!==': '===' },
  ...{ '&&': '||', '||': '&&', '+': '-', '-': '+', '*': '/', '/': '*', '%': '*', '+=': '-=', '-=': '+=' },
}
const ORDERED = new Set(['-', '/', '%', '<', '<=', '>', '>='])
const CALLS: Readonly<Record<string, string>> = {
  max: 'min',
  min: 'max',
  some: 'every',
  every: 'some',
  floor: 'ceil',
  ceil: 'floor',
}
/** Larger numbers are bounds and sizes: one more or less of them decides nothing that a test could see. */
const NUMBER_MAX = 2

export function mutantsOf(file: string, text: string): Mutant[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const mutants: Mutant[] = []
  const lines = text.split('\n')
  const counts = new Map<string, number>()

  function add(
    node: ts.Node,
    replacement: string,
    operator: string,
    from = node.getStart(source),
    to = node.getEnd(),
  ): void {
    const original = text.slice(from, to)
    if (original === replacement) return
    const { line, character } = source.getLineAndCharacterOfPosition(from)
    const lineText = (lines[line] ?? '').trim()
    const alike = JSON.stringify([operator, lineText, original, replacement])
    const nth = counts.get(alike) ?? 0
    counts.set(alike, nth + 1)
    mutants.push({
      file,
      start: from,
      end: to,
      original,
      replacement,
      operator,
      line: line + 1,
      column: character + 1,
      lineText,
      nth,
    })
  }

  function binary(node: ts.BinaryExpression): void {
    const { left, operatorToken, right } = node
    const operator = operatorToken.getText(source)
    if (operator === '??') {
      add(node, left.getText(source), 'no default')
      return
    }
    const other = COMPARISONS[operator]
    if (other === undefined || (operator === '+' && (isText(left) || isText(right)))) return
    add(operatorToken, other, 'other operator')
    if (ORDERED.has(operator)) add(node, `${wrapped(right)} ${operator} ${wrapped(left)}`, 'operands swapped')
  }

  const wrapped = (node: ts.Expression): string =>
    ts.isBinaryExpression(node) ? `(${node.getText(source)})` : node.getText(source)

  function visit(node: ts.Node): void {
    if (
      ts.isTypeNode(node) ||
      ts.isImportDeclaration(node) ||
      ts.isInterfaceDeclaration(node) ||
      ts.isTypeAliasDeclaration(node)
    )
      return
    if (isWords(node, source)) return
    if (ts.isBinaryExpression(node)) binary(node)
    else if (ts.isIfStatement(node)) {
      add(node.expression, 'true', 'condition')
      add(node.expression, 'false', 'condition')
    } else if (ts.isConditionalExpression(node)) {
      add(node, `(${node.whenTrue.getText(source)})`, 'branch')
      add(node, `(${node.whenFalse.getText(source)})`, 'branch')
    } else if (ts.isPrefixUnaryExpression(node) && ['!', '-'].includes(text[node.getStart(source)] ?? '')) {
      add(node, node.operand.getText(source), 'no sign')
    } else if (ts.isNumericLiteral(node) && Number(node.text) <= NUMBER_MAX && Number.isInteger(Number(node.text))) {
      add(node, node.text === '1' ? '0' : String(Number(node.text) + 1), 'other number')
    } else if (node.kind === ts.SyntaxKind.TrueKeyword) add(node, 'false', 'other flag')
    else if (node.kind === ts.SyntaxKind.FalseKeyword) add(node, 'true', 'other flag')
    else if (ts.isExpressionStatement(node)) add(node, ';', 'left out')
    else if (
      ts.isPropertyAccessExpression(node) &&
      ts.isCallExpression(node.parent) &&
      Object.hasOwn(CALLS, node.name.text)
    ) {
      add(node.name, CALLS[node.name.text] ?? '', 'other call')
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return mutants
}

const isText = (node: ts.Node): boolean => ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)

/** Errors' texts, log lines and metrics' numbers: what they say is not what is decided. */
function isWords(node: ts.Node, source: ts.SourceFile): boolean {
  if (ts.isTemplateExpression(node)) return true
  if (ts.isExpressionStatement(node) && /^(\w+\.)*(log|metrics)(\?)?\.[\w.]+\(/.test(node.getText(source))) return true
  return (
    ts.isNewExpression(node) &&
    /^(Stopped|WrongUse|Unavailable|RangeError|Error|TypeError)$/.test(node.expression.getText(source))
  )
}

export const mutated = (text: string, { start, end, replacement }: Mutant): string =>
  text.slice(0, start) + replacement + text.slice(end)

/** Two mutants of the same name are the same change, also after lines have moved. */
export const nameOf = ({ file, operator, lineText, original, replacement, nth }: Named): string =>
  JSON.stringify([file, operator, lineText, original, replacement, nth])

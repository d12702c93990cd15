/** The fields of `z.strictObject({ … })` without a comment: those that authors write, by the text of a file alone. */
import ts from 'typescript'

/** It tells what a function made; an author never writes it. */
const UNWRITTEN = 'kind'

/** `file:line: name` of each. */
export function uncommentedFieldsIn(file: string, source: string): string[] {
  if (!source.includes('strictObject')) return []
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true)
  const found: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
      const [shape] = node.arguments
      if (node.expression.name.text === 'strictObject' && shape !== undefined && ts.isObjectLiteralExpression(shape))
        found.push(
          ...shape.properties.filter(isUncommented).map((field) => `${file}:${lineOf(tree, field)}: ${nameOf(field)}`),
        )
    }
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return found
}

const nameOf = (field: ts.ObjectLiteralElementLike): string => field.name?.getText() ?? ''

const lineOf = (tree: ts.SourceFile, node: ts.Node): number =>
  tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1

const isUncommented = (field: ts.ObjectLiteralElementLike): boolean =>
  field.name !== undefined && nameOf(field) !== UNWRITTEN && ts.getJSDocCommentsAndTags(field).length === 0

/** The prose of a TypeScript file: its comments, and the texts in its string and template literals. */
import ts from 'typescript'

export type Prose = { line: number; kind: 'comment' | 'text'; text: string }

/** A text of a single word is a name, a key or a value; a sentence has at least three words. */
const IS_PROSE = /[a-z]+[,;:]? +[a-z]+[,;:]? +[a-z]/i

/** Each comment as one text, and each literal that reads as prose. A template's substitutions count as a word each. */
export function proseIn(file: string, source: string): Prose[] {
  const version = { languageVersion: ts.ScriptTarget.Latest, jsDocParsingMode: ts.JSDocParsingMode.ParseNone }
  const tree = ts.createSourceFile(file, source, version)
  const lineAt = (at: number): number => tree.getLineAndCharacterOfPosition(at).line + 1
  return [...commentsIn(tree, source, lineAt), ...textsIn(tree, lineAt)].sort((a, b) => a.line - b.line)
}

function textsIn(tree: ts.SourceFile, lineAt: (at: number) => number): Prose[] {
  const found: Prose[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return
    const text = textOf(node)
    if (text !== null && IS_PROSE.test(text)) found.push({ line: lineAt(node.getStart(tree)), kind: 'text', text })
    if (text === null || ts.isTemplateExpression(node)) ts.forEachChild(node, visit)
  }
  visit(tree)
  return found
}

function textOf(node: ts.Node): string | null {
  if (ts.isStringLiteralLike(node)) return node.text
  if (!ts.isTemplateExpression(node)) return null
  return node.head.text + node.templateSpans.map(({ literal }) => `X${literal.text}`).join('')
}

function commentsIn(tree: ts.SourceFile, source: string, lineAt: (at: number) => number): Prose[] {
  const found = new Map<number, { end: number; line: number; text: string }>()
  const keep = (pos: number, end: number): void => {
    found.set(pos, { end, line: lineAt(pos), text: source.slice(pos, end) })
  }
  // Many nodes begin or end at the same place.
  const starts = new Set<number>()
  const ends = new Set<number>()
  const visit = (node: ts.Node): void => {
    if (!starts.has(node.pos)) ts.forEachLeadingCommentRange(source, node.pos, keep)
    if (!ends.has(node.end)) ts.forEachTrailingCommentRange(source, node.end, keep)
    starts.add(node.pos)
    ends.add(node.end)
    ts.forEachChild(node, visit)
  }
  visit(tree)
  const inOrder = [...found].sort(([a], [b]) => a - b).map(([pos, comment]) => ({ pos, ...comment }))
  const joined: typeof inOrder = []
  for (const comment of inOrder) {
    const before = joined.at(-1)
    const follows =
      before !== undefined &&
      comment.text.startsWith('//') &&
      before.text.startsWith('//') &&
      /^\r?\n[ \t]*$/.test(source.slice(before.end, comment.pos))
    if (follows) joined[joined.length - 1] = { ...before, end: comment.end, text: `${before.text}\n${comment.text}` }
    else joined.push(comment)
  }
  return joined.map(({ line, text }) => ({ line, kind: 'comment' as const, text: plain(text) }))
}

const plain = (comment: string): string =>
  comment
    .replace(/^\/\*\*?|\*\/$/g, '')
    .split('\n')
    .map((line) => line.replace(/^\s*(\*|\/\/)\s?/, '').trim())
    .join('\n')
    .trim()

/** Sentences: ended by a full stop, a question mark, an empty line, or a list's next line. */
export const sentencesOf = (text: string): string[] =>
  text
    .split(/[.!?](?:["')\]`]*)(?:\s+|$)|\n\s*\n|\n\s*[-*·|]|\n\s*@\w+/)
    .map((sentence) => sentence.replace(/\s+/g, ' ').trim())
    .filter((sentence) => sentence !== '')

/** Words of a sentence; what is between backquotes counts as one. */
export const wordsOf = (sentence: string): number =>
  sentence
    .replace(/`[^`]*`/g, 'x')
    .split(/\s+/)
    .filter((word) => /\w/.test(word)).length

/** `node test/docs/write-reference.ts FILE`: writes the generated part of docs/declaration.md. */
import { writeTable } from '../../services/cli/markdown-table.ts'
import { readReference, referenceText } from './reference.ts'

const [file] = process.argv.slice(2)
if (file === undefined) throw new RangeError('name the file to write')
writeTable(file, 'declaration', referenceText(readReference()))

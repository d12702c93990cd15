/** `node test/docs/write-errors.ts FILE`: writes the generated part of docs/errors.md. */
import { writeTable } from '../../services/cli/markdown-table.ts'
import { allRaised, errorCodes, errorsText } from './error-codes.ts'

const [file] = process.argv.slice(2)
if (file === undefined) throw new RangeError('name the file to write')
writeTable(file, 'errors', errorsText(errorCodes(allRaised())))

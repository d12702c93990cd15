/** `node test/docs/write-kafka-acls.ts FILE`: writes the generated part of docs/kafka-acls.md. */
import { writeTable } from '../../services/cli/markdown-table.ts'
import { aclsText } from './kafka-acls.ts'

const [file] = process.argv.slice(2)
if (file === undefined) throw new RangeError('name the file to write')
writeTable(file, 'rights', aclsText())

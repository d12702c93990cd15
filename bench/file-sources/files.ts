/** The source of large files, in a folder of its own for a fetcher that runs as a process. */
import { fileSource } from '../files.ts'

export default fileSource

/**
 * Streams whose one page is too much, and one beside them that must keep its schedule. The folder is for a service that
 * runs as a process.
 */
import { hostileSource } from '../hostile-pages.ts'

export default hostileSource

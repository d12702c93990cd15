/** The bench's source as a folder of declarations, for services that run as processes of their own. */
import { benchSource } from '../events.ts'

export default benchSource(1)

/**
 * The port's own decisions: who catches one of these knows what to do. Everything else out of the port is Unavailable
 * (a broker that does not answer or refuses), Stopped or WrongUse.
 */
import { HeadraceError } from '../errors.ts'

/** Another holder of the same transactional id has taken over: stop, never retry. */
export class FencedError extends HeadraceError {}

/** A transaction that did not end well. It may have been committed: fence, then read the checkpoint, then decide. */
export class PublishFailed extends HeadraceError {}

/** A commit for an assignment that is gone: drop what it described, it is read again. */
export class StaleGeneration extends HeadraceError {}

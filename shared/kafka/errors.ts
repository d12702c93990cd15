/**
 * The port's own errors: code that catches one of these knows what to do. Every other error of the port is Unavailable
 * (a broker that does not answer or refuses), Stopped or WrongUse.
 */
import { HeadraceError, Unavailable } from '../errors.ts'

/** Another holder of the same transactional id has taken over: stop, never retry. */
export class FencedError extends HeadraceError {}

/** A transaction that did not end well. It may have been committed: fence, then read the checkpoint, then decide. */
export class PublishFailed extends HeadraceError {}

/** A commit for an assignment that has ended: drop what it described, it is read again. */
export class StaleGeneration extends HeadraceError {}

/** An ACL is missing: only a person can add it. A service asks again after growing pauses, a command ends. */
export class AccessDenied extends Unavailable {}

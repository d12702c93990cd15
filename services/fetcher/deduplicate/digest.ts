import { hash } from 'node:crypto'

/**
 * Identifies a text among the seen records of a partition. It is wide enough that two versions never collide, since a
 * collision would lose an update.
 */
export const digest = (text: string): string => hash('sha1', text, 'base64')

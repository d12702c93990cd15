import { hash } from 'node:crypto'

/**
 * What identifies a text in the memory of a partition: wide enough that two versions never collide, since that would be
 * an update lost.
 */
export const digest = (text: string): string => hash('sha1', text, 'base64')

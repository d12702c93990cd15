/** What a fault is, and what it draws while it lasts. */
import { systemClock as clock } from '#shared/clock.ts'
import { between } from '../../support/random.ts'
import type { Scene } from './scene.ts'

/** From its beginning to its end: when it has ended, everything runs and answers again. */
export type Fault = { name: string; weight: number; make(scene: Scene): Promise<void> }

export const seconds = ({ random }: Scene, min: number, max: number): Promise<void> =>
  clock.sleep(between(random, min * 1000, max * 1000))

export const oneOf = <T>({ random }: Scene, of: readonly T[]): T => of[between(random, 0, of.length - 1)] as T

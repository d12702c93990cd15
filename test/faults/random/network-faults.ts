/**
 * What a network does between the services and a Kafka that is well. A lost answer leaves open whether what was asked
 * is done.
 */
import type { KafkaMishap } from '../../support/kafka-proxy.ts'
import { between } from '../../support/random.ts'
import { type Fault, oneOf, seconds } from './draws.ts'
import type { Scene } from './scene.ts'

const CUTS = ['cut-request', 'lose-answer', 'cut-answer'] as const
const CUT_SHARE = 0.03
/** Of what is asked seldom, and after which it matters whether it was done. */
const CUT_SHARE_OF_CHANGES = 0.4
const CHANGES = new Set([
  ...['Produce', 'AddPartitionsToTxn', 'AddOffsetsToTxn', 'TxnOffsetCommit', 'EndTxn', 'InitProducerId'],
  ...['OffsetCommit', 'JoinGroup', 'SyncGroup', 'LeaveGroup'],
])
const RESETS_MAX = 6
/** Up to past the time after which a request is given up. */
const SILENCE_SECONDS_MAX = 24

const pass = (): KafkaMishap => 'pass'

export const NETWORK_FAULTS: readonly Fault[] = [
  {
    name: 'connections to Kafka are reset',
    weight: 3,
    async make(scene) {
      for (let resets = between(scene.random, 1, RESETS_MAX); resets > 0; resets--) {
        scene.network.cut()
        scene.network.mend()
        await seconds(scene, 0, 2)
      }
    },
  },
  {
    name: 'the network to Kafka is cut',
    weight: 2,
    async make(scene) {
      scene.network.cut()
      await seconds(scene, 1, 9)
      scene.network.mend()
    },
  },
  {
    name: 'answers of Kafka are lost or break off',
    weight: 4,
    async make(scene) {
      scene.onKafka = (api) =>
        scene.random() < (CHANGES.has(api) ? CUT_SHARE_OF_CHANGES : CUT_SHARE) ? oneOf(scene, CUTS) : 'pass'
      await seconds(scene, 2, 8)
      scene.onKafka = pass
    },
  },
  {
    name: 'answers of Kafka stay away, and come late or never',
    weight: 1,
    async make(scene) {
      const silence = Promise.withResolvers<void>()
      scene.onKafka = () => ({ hold: silence.promise })
      await seconds(scene, 1, SILENCE_SECONDS_MAX)
      scene.onKafka = pass
      if (scene.random() < 0.5) scene.network.cut()
      scene.network.mend()
      silence.resolve()
    },
  },
  {
    name: 'the network to Kafka is slow',
    weight: 2,
    async make(scene: Scene) {
      const slow = { pieceBytes: between(scene.random, 2_000, 50_000), pauseMs: between(scene.random, 1, 20) }
      scene.onKafka = () => slow
      await seconds(scene, 2, 8)
      scene.onKafka = pass
    },
  },
]

/**
 * `node test/contracts/formats/record.ts`: records the formats of this version as a fixture, once before its release.
 * A fixture of a released version is never written again.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { VERSION } from '#shared/version.ts'
import { recordedNow } from './formats.ts'

writeFileSync(join(import.meta.dirname, `${VERSION}.json`), `${JSON.stringify(recordedNow(), null, 2)}\n`)

/** Needs neither the API nor a server: it reads recorded pages with the code of a run. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { walkRecorded } from 'headrace/testing'
import source from './quakes.ts'

const RECORDING = new URL('./quakes.earthquakes.recording.json', import.meta.url)

test('the recorded pages of quakes.earthquakes match the declaration', async () => {
  const { pages, records, deadLetters, drift } = await walkRecorded(source, 'earthquakes', RECORDING)
  assert.equal(pages, 2)
  assert.equal(records.length, 100)
  assert.deepEqual(deadLetters, [])
  assert.deepEqual(drift, {})
})

/** Where the base of an image comes from on a machine without a Docker registry. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { mirrorOf } from '../../../bin/image/base.ts'

describe("apt's mirror for the base", () => {
  test('that apt does not have is named with the command that looks again', () => {
    const targets = 'http://mirror.example/ubuntu/ noble\nhttp://mirror.example/debian-security/ bookworm\n'
    assert.throws(() => mirrorOf(targets), { message: /no mirror of Debian bookworm/, hint: /apt-get update/ })
  })

  test('is that of the release itself', () => {
    const targets = 'http://a.example/debian-security/ bookworm\nhttp://b.example/debian/ bookworm\n'
    assert.equal(mirrorOf(targets), 'http://b.example/debian/')
  })
})

/** What of this machine's npm configuration a build of the image sees. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { buildNpmrc } from '../../../bin/image/npm-secrets.ts'

describe("npm's configuration in a build", () => {
  test('has no path of this machine', () => {
    const text =
      'cache=/var/cache/npm\nprefix = /opt\ncafile=/etc/ca.pem\n//r.example/:keyfile=/home/me/key\n; registry=x\n'
    assert.equal(buildNpmrc([text], {}, false), '')
  })

  test('has registries, tokens of the environment, proxies and the authority', () => {
    const machine = 'registry=https://a.example/\n@shop:registry=https://b.example/\nfund=false\n'
    const person = `//a.example/:_authToken=\${NPM_TOKEN}\nhttps-proxy=http://p.example:3128\n`
    assert.deepEqual(buildNpmrc([machine, person], { NPM_TOKEN: 't0ken' }, true).split('\n'), [
      'registry=https://a.example/',
      '@shop:registry=https://b.example/',
      '//a.example/:_authToken=t0ken',
      'https-proxy=http://p.example:3128',
      'cafile=/run/secrets/npm_ca',
      '',
    ])
  })
})

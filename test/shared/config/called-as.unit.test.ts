import assert from 'node:assert/strict'
import { test } from 'node:test'
import { calledAs } from '#shared/config/called-as.ts'

const cases: [string, Parameters<typeof calledAs>[0], string][] = [
  ['a checkout', { isCheckout: true, environment: {}, program: '/c/services/cli.ts' }, 'npm run headrace --'],
  [
    'npx or a script of npm',
    { isCheckout: false, environment: { npm_command: 'exec' }, program: '/w/node_modules/headrace/bin/headrace.cjs' },
    'npx headrace',
  ],
  [
    'the link of a project',
    { isCheckout: false, environment: {}, program: '/w/node_modules/.bin/headrace' },
    'npx headrace',
  ],
  [
    'an image, or a global installation',
    { isCheckout: false, environment: {}, program: '/usr/bin/headrace' },
    'headrace',
  ],
]

for (const [name, start, command] of cases)
  test(`hints of ${name} begin with ${command}`, () => assert.equal(calledAs(start), command))

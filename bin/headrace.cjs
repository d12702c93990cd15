#!/usr/bin/env node
// The command of the npm package. Written for any Node, so that an old one can say that it is too old.
'use strict'

const lowest = require('../package.json').engines.node.replace('>=', '')

function isOlder(version, than) {
  const [a, b] = [version, than].map((each) => each.split('.').map(Number))
  const at = a.findIndex((part, index) => part !== b[index])
  return at !== -1 && a[at] < b[at]
}

/** Declarations are TypeScript, which Node 22 runs with a warning; it would be a line among the lines of JSON. */
function withoutWarningOfTypes() {
  const { emitWarning } = process
  process.emitWarning = (warning, ...rest) => {
    if (!/^Type Stripping/.test(String(warning))) emitWarning.call(process, warning, ...rest)
  }
}

if (isOlder(process.versions.node, lowest)) {
  console.error(`headrace: Node ${process.versions.node} is too old; install Node ${lowest} or newer`)
  process.exitCode = 2
} else {
  withoutWarningOfTypes()
  import('../services/cli.js')
}

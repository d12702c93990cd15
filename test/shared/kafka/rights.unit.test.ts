import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { grantCommand, grantsOf, leastRights, ROLES, rightFor } from '#shared/kafka/rights.ts'
import { namesFor } from '#shared/names.ts'
import { withTable } from '../../../services/cli/markdown-table.ts'
import { aclsText } from '../../docs/kafka-acls.ts'

describe('the least rights', () => {
  test('are within the prefix, each once, and never on the cluster', () => {
    for (const role of ROLES) {
      const rights = leastRights(role, 'acme')
      for (const { resource } of rights) {
        assert.ok(resource.name.startsWith('acme.'), resource.name)
        assert.notEqual(resource.type, 'cluster')
      }
      const ids = rights.map(({ resource, operation }) => JSON.stringify([resource, operation]))
      assert.equal(new Set(ids).size, ids.length)
    }
  })

  test('let nobody but the fetcher make or change topics', () => {
    const changing = ['Create', 'Alter', 'Delete']
    for (const role of ['loader', 'operator'] as const)
      assert.ok(leastRights(role, 'acme').every(({ operation }) => !changing.includes(operation)))
  })

  test('cover the groups of backfills and of skipped pages by their prefix', () => {
    const names = namesFor('acme')
    const rights = leastRights('fetcher', 'acme')
    const of = (group: string) => rightFor(rights, 'group', group, 'Read')?.resource.name
    assert.equal(of(names.backfillGroup('2026')), 'acme.backfill.')
    assert.equal(of(names.skippedGroup(names.fetcherGroup)), 'acme.skipped.')
    assert.equal(of(names.skippedGroup(names.backfillGroup('2026'))), 'acme.skipped.')
    assert.equal(of('acme.loader'), undefined)
    assert.equal(of('acme.fetcher.more'), undefined, 'a literal name covers only itself')
  })

  test('prefer the right that names the operation to one that implies it', () => {
    const rights = leastRights('operator', 'acme')
    assert.equal(rightFor(rights, 'group', 'acme.loader', 'Describe')?.resource.name, 'acme.')
    assert.equal(rightFor(rights, 'group', 'acme.loader', 'Read')?.resource.name, 'acme.loader')
    assert.equal(rightFor(leastRights('loader', 'acme'), 'group', 'acme.loader', 'Describe')?.operation, 'Read')
  })
})

test('docs/kafka-acls.md lists the rights that the code knows; npm run docs writes them', () => {
  const file = join(import.meta.dirname, '..', '..', '..', 'docs', 'kafka-acls.md')
  const text = readFileSync(file, 'utf8')
  assert.equal(withTable(file, text, 'rights', aclsText()), text)
})

describe('a grant', () => {
  test('has all operations of a resource in one command', () => {
    const [first] = grantsOf(leastRights('loader', 'acme'), 'User:l')
    assert.ok(first !== undefined)
    assert.equal(
      grantCommand(['a:1', 'b:2'], first),
      'kafka-acls --bootstrap-server a:1,b:2 --add --allow-principal User:l' +
        ' --operation Read --operation Write --topic acme. --resource-pattern-type prefixed',
    )
  })

  test('is safe to paste for any name', () => {
    const resource = { type: 'topic', name: 'acme.', pattern: 'prefixed' } as const
    const command = grantCommand(['a:1'], { principal: "User:CN=o'hara; x", resource, operations: ['Read'] })
    assert.ok(command.includes(`--allow-principal 'User:CN=o'\\''hara; x' `))
  })
})

/**
 * Writes the manifests of deploy/k8s from the chart, one file for each of deploy/k8s/values:
 * `node test/deploy/kubernetes/render.ts`.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { builtHelm, HELM, template } from './helm.ts'
import { FOLDER, fileText, VALUES, valuesIn } from './manifests.ts'

const helm = await builtHelm(() => process.stderr.write(`building ${HELM}, which takes minutes\n`))
for (const name of valuesIn()) {
  const { status, output } = await template(helm, join(VALUES, name))
  if (status !== 0) throw new Error(`${name}: ${output}`)
  writeFileSync(join(FOLDER, name), fileText(name, output))
  process.stdout.write(`deploy/k8s/${name}\n`)
}

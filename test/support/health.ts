/** What a service shows its supervisor: its answers to /livez and /readyz, and the numbers at /metrics. */
import type { Running } from './processes.ts'

export async function ask(
  service: Running,
  path: '/livez' | '/readyz' | '/metrics',
): Promise<{ status: number; body: string }> {
  const response = await fetch(`${await service.url()}${path}`)
  return { status: response.status, body: await response.text() }
}

export type Sample = { name: string; labels: Record<string, string>; value: number }

/** Prometheus' text form, as far as counters and gauges need it. */
export function samplesOf(text: string): Sample[] {
  return text.split('\n').flatMap((line) => {
    const match = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line)
    if (match === null) return []
    const [, name = '', labels = '', value = ''] = match
    const pairs = [...labels.matchAll(/([a-z]+)="([^"]*)"/g)].map(([, label = '', text = '']) => [label, text] as const)
    return [{ name, labels: Object.fromEntries(pairs), value: Number(value) }]
  })
}

/** Sum of the samples of this name that carry these labels; null when there is none. */
export async function metric(
  service: Running,
  name: string,
  labels: Record<string, string> = {},
): Promise<number | null> {
  const { body } = await ask(service, '/metrics')
  const found = samplesOf(body).filter(
    (sample) =>
      sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  )
  return found.length === 0 ? null : found.reduce((sum, { value }) => sum + value, 0)
}

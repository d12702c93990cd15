/**
 * The current secrets of a source. A file that a sidecar rewrites (Vault, Kubernetes, Docker) is read again while the
 * process runs. Guarantees: each file is read at most once a second, or at once after a refusal. A file that is empty
 * or missing for a moment leaves the last good value in use, for a bounded time.
 */
import type { Clock } from '#shared/clock.ts'
import type { Resolver } from '#shared/config/config.ts'
import { isReference, secretsIn, type TextValue } from '#shared/declaration/auth/value.ts'
import type { SecretRef } from '#shared/declaration/secret.ts'

export type LiveSecrets = {
  /** Throws WrongUse for a missing secret: one that never existed, or has been missing for GONE_MS_MAX. */
  value(ref: SecretRef): string
  /**
   * The last value that was read, then former ones that a response may still repeat. Reads nothing: a text is redacted
   * where no secret can be read.
   */
  values(ref: SecretRef): readonly string[]
  /** A literal text is its own value; settings are resolved, and joined texts put together. */
  text(given: TextValue): string
  /** A copy of plain JSON with every reference in it resolved. */
  json(given: unknown): unknown
  /** The latest base64 texts that were made of secrets; the current one of each first. */
  encoded(): readonly { id: string; value: string }[]
  /** The next values are read again. */
  reload(): void
  /** The latest values handed out, for redaction: a response may still quote a former one. */
  known(): readonly string[]
}

const READ_EVERY_MS = 1_000
const GONE_MS_MAX = 5 * 60_000
const KNOWN_MAX = 32

/** Per secret. */
const VALUES_MAX = 4

type Held = { value: string; values: readonly string[]; readMs: number; goodMs: number }

export function liveSecrets({
  resolver,
  clock,
}: {
  resolver: Pick<Resolver, 'secret'> & Partial<Pick<Resolver, 'setting'>>
  clock: Pick<Clock, 'elapsedMs'>
}): LiveSecrets {
  const held = new Map<string, Held>()
  let known: string[] = []

  function read(ref: SecretRef, last: Held | undefined, nowMs: number): Held {
    try {
      const value = resolver.secret(ref)
      if (!known.includes(value)) known = [value, ...known].slice(0, KNOWN_MAX)
      const former = (last?.values ?? []).filter((each) => each !== value)
      return { value, values: [value, ...former].slice(0, VALUES_MAX), readMs: nowMs, goodMs: nowMs }
    } catch (error) {
      // A file is briefly unreadable between truncation and writing, and while the links of a mounted folder are
      // switched.
      if (last === undefined || nowMs - last.goodMs > GONE_MS_MAX) throw error
      return { ...last, readMs: nowMs }
    }
  }

  function value(ref: SecretRef): string {
    const nowMs = clock.elapsedMs()
    const last = held.get(ref.name)
    if (last !== undefined && nowMs - last.readMs < READ_EVERY_MS) return last.value
    const next = read(ref, last, nowMs)
    held.set(ref.name, next)
    return next.value
  }

  const base64 = new Map<TextValue, { id: string; made: ReturnType<typeof madeOf> }>()

  function text(given: TextValue): string {
    if (typeof given === 'string') return given
    if (given.kind === 'secret') return value(given)
    if (given.kind === 'setting') return resolver.setting?.(given) ?? given.fallback
    const joined = given.parts.map(text).join('')
    if (given.encoding === 'text') return joined
    const encoded = Buffer.from(joined, 'utf8').toString('base64')
    if (secretsIn([given]).length === 0) return encoded
    const kept = base64.get(given) ?? { id: `base64-${base64.size}`, made: madeOf() }
    base64.set(given, kept)
    return kept.made.make(encoded)
  }

  function json(given: unknown): unknown {
    if (isReference(given)) return text(given)
    if (Array.isArray(given)) return given.map(json)
    if (typeof given !== 'object' || given === null) return given
    return Object.fromEntries(Object.entries(given).map(([name, each]) => [name, json(each)]))
  }

  return {
    value,
    values: (ref) => held.get(ref.name)?.values ?? [value(ref)],
    text,
    json,
    encoded: () => [...base64.values()].flatMap(({ id, made }) => made.all().map((value) => ({ id, value }))),
    reload() {
      for (const [name, last] of held) held.set(name, { ...last, readMs: Number.NEGATIVE_INFINITY })
    },
    known: () => known,
  }
}

/** The latest values derived from secrets, such as a header: `make` remembers each. */
export function madeOf(): { make(value: string): string; all(): readonly string[] } {
  let made: string[] = []
  return {
    make(value) {
      if (!made.includes(value)) made = [value, ...made].slice(0, VALUES_MAX)
      return value
    },
    all: () => made,
  }
}

/** Identifies the current values of several secrets; changes when one of them does. */
export const stampOf = (secrets: LiveSecrets, refs: readonly SecretRef[]): string =>
  JSON.stringify(refs.map((ref) => [ref.name, secrets.value(ref)]))

/**
 * References to values that a declaration must not hold: secrets and settings. They are names until the run resolves
 * them from the environment (or the file that NAME_FILE points to). So a declaration can be printed, compared and
 * committed.
 */
import { z } from 'zod'

export type SecretRef = { kind: 'secret'; name: string }
export type SettingRef = { kind: 'setting'; name: string; fallback: string }

export const SECRET_NAME = /^[A-Z][A-Z0-9_]*$/

/** The value of NAME, or of the file that NAME_FILE names. Its value never reaches a log, a topic or an error. */
export const secret = (name: string): SecretRef => ({ kind: 'secret', name })

/** A value that differs between installations, such as an address. */
export const setting = (name: string, fallback: string): SettingRef => ({ kind: 'setting', name, fallback })

export const secretRef = z.strictObject(
  {
    kind: z.literal('secret'),
    /** The environment variable that holds the value. */
    name: z.string().regex(SECRET_NAME, 'expected the name of an environment variable, e.g. SHOP_SECRET'),
  },
  "expected secret('NAME'): a declaration holds the name of a secret, never the secret",
)
export const settingRef = z.strictObject({
  kind: z.literal('setting'),
  /** The environment variable that holds the value. */
  name: z.string().regex(SECRET_NAME, 'expected the name of an environment variable, e.g. SHOP_URL'),
  /** The value where the variable is not set. */
  fallback: z.string().min(1),
})

export const textOrSetting = z.union([z.string().min(1), settingRef], "expected a text or setting('NAME', fallback)")

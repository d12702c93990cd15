/**
 * For process 1, which a command is in a container without an init. The kernel keeps every signal from it that it does
 * not handle, so without this, Ctrl-C and `docker stop` would wait for their deadline. Other processes end by default.
 */
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGTERM: 15 } as const
/** As a shell reports the end by a signal. */
const BY_SIGNAL = 128

type Target = Pick<NodeJS.Process, 'pid' | 'on' | 'listenerCount'> & { exit(status: number): void }

/** A signal ends process 1 at once, unless a service or a command handles it by then. Call it before all handlers. */
export function endOnSignals(target: Target): void {
  if (target.pid !== 1) return
  for (const [name, number] of Object.entries(SIGNALS) as [keyof typeof SIGNALS, number][])
    target.on(name, () => {
      if (target.listenerCount(name) === 1) target.exit(BY_SIGNAL + number)
    })
}

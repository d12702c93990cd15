/** The version of this program, for `--version`, logs, metrics, `status` and page markers. */
import manifest from '../package.json' with { type: 'json' }

export const VERSION: string = manifest.version

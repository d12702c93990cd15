/**
 * The ClickHouse process: `clickhouse-process.ts LIBRARY DATA_DIR HTTP_PORT [CONFIG]`. It also opens its TCP port if a
 * configuration names one. The call into the library lasts as long as the server: a query that sleeps keeps it open.
 * Uses ffi-rs, which calls on the thread's real stack; libraries that switch stacks overflow it.
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { localPackageDir } from '#shared/installation.ts'

/** Also where the package itself is not beside it, but in the working directory. */
const packages = createRequire(join(localPackageDir('ffi-rs') ?? '', 'package.json'))
const { DataType, load, open } = packages('.') as typeof import('ffi-rs')

const [library = '', dataDir = '', port = '', config = ''] = process.argv.slice(2)
const LISTEN = `${config === '' ? '' : 'SYSTEM START LISTEN TCP; '}SYSTEM START LISTEN HTTP`
const UNBOUNDED = 'max_block_size=1, function_sleep_max_microseconds_per_block=0, max_execution_time=0'
const STAY = `SELECT sleepEachRow(3) FROM numbers(1000000000) SETTINGS ${UNBOUNDED} FORMAT Null`

open({ library: 'chdb', path: library })
const given = config === '' ? [] : [`--config-file=${config}`]
const args = [
  'clickhouse',
  `--path=${dataDir}`,
  ...given,
  `--http_port=${port}`,
  '--listen_host=127.0.0.1',
  `--query=${LISTEN}; ${STAY}`,
]
load({
  library: 'chdb',
  funcName: 'chdb_query_cmdline',
  retType: DataType.External,
  paramsType: [DataType.I32, DataType.StringArray],
  paramsValue: [args.length, args],
})

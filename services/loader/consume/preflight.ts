/** What a one-shot load needs at once. A service waits for it instead. */

import { clickHouseAway } from '#shared/clickhouse.ts'
import type { Config } from '#shared/config/config.ts'
import { Unavailable } from '#shared/errors.ts'
import { NO_SUBJECT } from '#shared/health.ts'
import type { Registry } from '#shared/schema/registry.ts'
import type { Tables } from '../table/tables.ts'

/** Throws Unavailable when ClickHouse or the registry does not respond or refuses the login. */
export async function refuseIfAbsent(
  { tables, registry }: { tables: Pick<Tables, 'ping'>; registry: Pick<Registry, 'latest'> },
  config: Config['clickhouse'],
): Promise<void> {
  await registry.latest(NO_SUBJECT)
  const failure = await tables.ping()
  if (failure === null) return
  if (failure.code === null) throw clickHouseAway(config, { code: failure.name, message: failure.message })
  const { url, user } = config
  const at = new URL(url).host
  throw new Unavailable('HR_CLICKHOUSE_REFUSED', `ClickHouse at ${at} refuses user ${user}: ${failure.name}`, {
    hint: 'see CLICKHOUSE_USER and CLICKHOUSE_PASSWORD',
  })
}

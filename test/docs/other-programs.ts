/**
 * Programs of others that the pages call and that no test can run here: which of their commands and options the pages
 * use. An option or a command that is new in a page is looked up in the program's own manual first, then added here.
 */
import { Command } from 'commander'

const repeated = (each: string, before: string[] = []): string[] => [...before, each]

export function otherPrograms(): Command {
  const all = new Command('shell').enablePositionalOptions()
  all.command('cd').argument('<dir>')
  all.command('apt-get').command('install').argument('<packages...>')
  all.command('exit').argument('[status]')
  all.command('chmod').argument('<mode>').argument('<files...>')
  all.command('curl').argument('<url>').option('-f').option('-s').option('-S')
  // What flock and mail run or send follows their own options; see `innerCommand`.
  all.command('flock').option('-n').argument('<file>').argument('[command...]').passThroughOptions()
  all.command('mail').option('-s <subject>').argument('<to...>')
  // Commander has no long options with one hyphen, such as -hex.
  all.command('openssl').command('rand').allowUnknownOption().argument('<how>').argument('<bytes>')

  const docker = all.command('docker').enablePositionalOptions()
  const build = docker.command('build').option('-t <tag>').argument('<dir>')
  build.option('--build-arg <name=value>', '', repeated).option('--secret <secret>', '', repeated)
  docker.command('inspect').argument('<image>')
  docker.command('load').option('-i <file>')
  const run = docker.command('run').argument('<image>').argument('[args...]').passThroughOptions()
  run.option('--rm').option('--read-only').option('--tmpfs <dir>').option('-v <mount>').option('--entrypoint <program>')
  docker.command('push').argument('<image>')
  const compose = docker.command('compose').enablePositionalOptions()
  compose.command('build').argument('[services...]')
  compose.command('down').option('--volumes')
  compose.command('logs').option('-f').argument('[services...]')
  compose.command('ps')
  compose.command('run').option('--rm').argument('<service>').argument('[args...]').passThroughOptions()
  compose.command('stop').argument('[services...]')
  const up = compose.command('up').option('-d').option('--build').argument('[services...]')
  up.option('--scale <service=number>', '', repeated)

  const acls = all.command('kafka-acls').option('--add')
  for (const option of ['bootstrap-server', 'allow-principal', 'topic', 'group', 'transactional-id', 'cluster'])
    acls.option(`--${option} <value>`)
  acls.option('--resource-pattern-type <type>')
  acls.option('--operation <operation>', '', repeated)

  addKubernetes(all)
  return all
}

function addKubernetes(all: Command): void {
  const kubectl = all.command('kubectl').option('-n, --namespace <name>').enablePositionalOptions()
  kubectl.command('apply').option('-f <file>', '', repeated)
  const create = kubectl.command('create').enablePositionalOptions()
  create.command('namespace').argument('<name>')
  create.command('configmap').argument('<name>').option('--from-file <file>', '', repeated)
  const secret = create.command('secret').command('generic').argument('<name>')
  secret.option('--from-file <file>', '', repeated).option('--from-literal <key=value>', '', repeated)
  kubectl.command('exec').option('-i').option('-t').argument('<target>').argument('[command...]').passThroughOptions()
  kubectl.command('get').argument('<kind>').argument('[names...]')
  kubectl.command('label').argument('<kind>').argument('<name>').argument('<labels...>')
  kubectl.command('logs').option('-f').option('--tail <lines>').argument('<target>')
  kubectl.command('port-forward').argument('<target>').argument('<ports...>')
  const rollout = kubectl.command('rollout')
  for (const verb of ['restart', 'status', 'undo']) rollout.command(verb).argument('<target>')

  const upgrade = all.command('helm').command('upgrade').argument('<release>').argument('<chart>').option('--install')
  upgrade.option('-n, --namespace <name>').option('-f, --values <file>', '', repeated)
  upgrade.option('--set <value>', '', repeated).option('--set-file <value>', '', repeated)
}

/** The words of Headrace's own command that another program runs: in a container, or under a lock. Null for none. */
export function innerCommand(words: readonly string[]): string[] | null {
  if (words.slice(0, 4).join(' ') === 'docker compose run --rm') return words[4] === 'operator' ? words.slice(5) : null
  if (words.slice(0, 2).join(' ') === 'docker run' && !words.includes('--entrypoint')) {
    const image = words.findIndex((word) => word.startsWith('headrace:'))
    return image === -1 ? null : words.slice(image + 1)
  }
  const inPod = words.indexOf('--')
  if (words[0] === 'kubectl' && inPod !== -1) return headraceArgs(words.slice(inPod + 1))
  const npx = words.indexOf('npx')
  return words[0] === 'flock' && npx !== -1 ? (headraceArgs(words.slice(npx)) ?? null) : null
}

/** What follows the name of the command, however it is called: `headrace`, `npx headrace`, `npm run headrace --`. */
export function headraceArgs(words: readonly string[]): string[] | null {
  const called = ['headrace', 'npx headrace', 'npm run headrace --']
  for (const name of called)
    if (`${words.join(' ')} `.startsWith(`${name} `)) return words.slice(name.split(' ').length)
  // The package as a tarball, before it is installed anywhere.
  if (words.slice(0, 3).join(' ') === 'npx --yes --package' && words[4] === 'headrace') return words.slice(5)
  return null
}

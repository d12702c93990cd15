/**
 * What no schema of Kubernetes can say about the manifests: that they fit each other, and what the program understands.
 * Each rule returns the places where it does not hold.
 */
import { optionRows } from '#shared/config/config.ts'
import { namesFor } from '#shared/names.ts'
import {
  type Container,
  containersOf,
  type Meta,
  ofKind,
  type Selector,
  type Workload,
  workloadsOf,
} from './manifests.ts'
import { kafkaTrigger, type Manifest } from './schemas.ts'

export type Breaks = (manifests: readonly Manifest[]) => string[]
type Labels = Record<string, string>

const OPTIONS = new Set(optionRows().map(({ name }) => name))
const optionOf = (name: string) => (OPTIONS.has(name) ? name : name.replace(/_FILE$/, ''))
/** `status --check` is asked and ends; the operator waits for a person. */
export const isWorker = ({ name }: { name: string }) => /-(fetcher|loader)$/.test(name)

export function declarationsIn(manifests: readonly Manifest[]): [string, string][] {
  return ofKind<{ data?: Record<string, string> }>(manifests, 'ConfigMap').flatMap(({ data = {} }) =>
    Object.entries(data),
  )
}

export const envOf = ({ env = [] }: Container): Record<string, string> =>
  Object.fromEntries(env.map(({ name, value }) => [name, value ?? '']))

/** Options, and what the declarations refer to. */
export const unknownOptions: Breaks = (manifests) => {
  const text = declarationsIn(manifests)
    .map(([, content]) => content)
    .join('\n')
  const named = new Set([...text.matchAll(/\b(?:secret|setting)\('(\w+)'/g)].map(([, name]) => name))
  return containersOf(manifests).flatMap(([{ name }, container]) =>
    Object.keys(envOf(container))
      .filter((option) => !OPTIONS.has(optionOf(option)) && !named.has(option.replace(/_FILE$/, '')))
      .map((option) => `${name}: ${option}`),
  )
}

export const optionsTwice: Breaks = (manifests) =>
  containersOf(manifests).flatMap(([{ name }, { env = [] }]) => {
    const options = env.map((each) => optionOf(each.name))
    return options.filter((option, index) => options.indexOf(option) !== index).map((option) => `${name}: ${option}`)
  })

/** Each NAME_FILE is the path of an item of a mounted volume. */
export const unmountedFiles: Breaks = (manifests) =>
  containersOf(manifests).flatMap(([{ name, pod }, container]) => {
    const volumes = new Map((pod.spec.volumes ?? []).map((volume) => [volume.name, volume]))
    const paths = (container.volumeMounts ?? []).flatMap(({ name: volume, mountPath }) =>
      (volumes.get(volume)?.projected?.sources ?? [])
        .flatMap(({ secret, configMap }) => (secret ?? configMap)?.items ?? [])
        .map(({ path }) => `${mountPath}/${path}`),
    )
    const strangers = (container.volumeMounts ?? []).filter((mount) => !volumes.has(mount.name))
    return [
      ...Object.entries(envOf(container))
        .filter(([option, value]) => option.endsWith('_FILE') && !paths.includes(value))
        .map(([option]) => `${name}: ${option}`),
      ...strangers.map((mount) => `${name}: no volume ${mount.name}`),
    ]
  })

/** Secrets and keys are files, never values. */
export const secretValues: Breaks = (manifests) => {
  const secret = new Set(optionRows().flatMap(({ name, secret: isSecret }) => (isSecret ? [name] : [])))
  return containersOf(manifests).flatMap(([{ name }, container]) =>
    Object.entries(envOf(container))
      .filter(([option, value]) => secret.has(option) && !/^https?:\/\/[^@]*$/.test(value))
      .map(([option]) => `${name}: ${option}`),
  )
}

const fits = ({ matchLabels = {} }: Selector, labels: Labels = {}) =>
  Object.keys(matchLabels).length > 0 && Object.entries(matchLabels).every(([key, value]) => labels[key] === value)

/** A selector of pods finds those of one workload. */
export const selectors: Breaks = (manifests) => {
  const workloads = workloadsOf(manifests)
  const found = (selector: Selector) => workloads.filter(({ pod }) => fits(selector, pod.metadata.labels))
  const one = (kind: string, { name }: Meta, selector: Selector) =>
    found(selector).length === 1 ? [] : [`${kind} ${name} selects ${found(selector).length} workloads`]
  return [
    ...workloads.flatMap((workload) => [
      ...one(workload.kind, { name: workload.name }, workload.selector),
      ...(fits(workload.selector, workload.pod.metadata.labels) ? [] : [`${workload.name}: not its own pods`]),
      ...(workload.pod.spec.topologySpreadConstraints ?? []).flatMap(({ labelSelector = {} }) =>
        one('topologySpreadConstraints of', { name: workload.name }, labelSelector),
      ),
    ]),
    ...ofKind<{ spec: { selector: Labels } }>(manifests, 'Service').flatMap(({ metadata, spec }) =>
      one('Service', metadata, { matchLabels: spec.selector }),
    ),
    ...ofKind<{ spec: { selector: Selector } }>(manifests, 'PodDisruptionBudget').flatMap(({ metadata, spec }) =>
      one('PodDisruptionBudget', metadata, spec.selector),
    ),
    ...ofKind<{ spec: { podSelector: Selector } }>(manifests, 'NetworkPolicy').flatMap(({ metadata, spec }) =>
      one('NetworkPolicy', metadata, spec.podSelector),
    ),
  ]
}

/** A monitor finds all Services, by a label and a port that they have. */
export const monitors: Breaks = (manifests) => {
  type Service = { spec: { ports: { name: string }[] } }
  const services = ofKind<Service>(manifests, 'Service')
  type Monitor = { spec: { selector: Selector; jobLabel?: string; endpoints: { port: string; path: string }[] } }
  return ofKind<Monitor>(manifests, 'ServiceMonitor').flatMap(({ metadata, spec }) => {
    const found = services.filter((service) => fits(spec.selector, service.metadata.labels))
    const ports = found.flatMap((service) => service.spec.ports.map(({ name }) => name))
    return [
      ...(found.length === services.length && found.length > 0 ? [] : [`${metadata.name}: ${found.length} Services`]),
      ...spec.endpoints
        .filter(({ port, path }) => !ports.includes(port) || path !== '/metrics')
        .map(({ port }) => `${metadata.name}: ${port}`),
      ...found
        .filter((service) => spec.jobLabel !== undefined && service.metadata.labels?.[spec.jobLabel] === undefined)
        .map((service) => `${service.metadata.name}: no ${spec.jobLabel}`),
    ]
  })
}

/** Probes, Services and policies name the one port, on which the program listens for everybody. */
export const ports: Breaks = (manifests) => {
  const workers = containersOf(manifests).filter(([workload]) => isWorker(workload))
  type Ported = { spec: { ports?: { targetPort: string; port: number }[]; ingress?: { ports?: { port: string }[] }[] } }
  const asked = [
    ...ofKind<Ported>(manifests, 'Service').flatMap(({ spec }) =>
      (spec.ports ?? []).map(({ targetPort }) => targetPort),
    ),
    ...ofKind<Ported>(manifests, 'NetworkPolicy').flatMap(({ spec }) =>
      (spec.ingress ?? []).flatMap((rule) => (rule.ports ?? []).map(({ port }) => port)),
    ),
  ]
  return workers.flatMap(([{ name }, container]) => {
    const open = new Map((container.ports ?? []).map((port) => [port.name ?? '', port.containerPort]))
    const { HEADRACE_HTTP_HOST: host, HEADRACE_HTTP_PORT: port } = envOf(container)
    const probes = [
      ['/livez', container.startupProbe],
      ['/livez', container.livenessProbe],
      ['/readyz', container.readinessProbe],
    ] as const
    return [
      ...probes
        .filter(([path, probe]) => probe?.httpGet?.path !== path || !open.has(String(probe.httpGet.port)))
        .map(([path]) => `${name}: no probe of ${path} at an open port`),
      ...asked.filter((wanted) => !open.has(wanted)).map((wanted) => `${name}: no port ${wanted}`),
      ...(open.get('http') === Number(port) && (host === '0.0.0.0' || host === '::')
        ? []
        : [`${name}: ${host}:${port}`]),
    ]
  })
}

const STOP_DEADLINE_MS = Number(optionRows().find(({ name }) => name === 'HEADRACE_STOP_DEADLINE_MS')?.byDefault)

export const graceTooShort: Breaks = (manifests) =>
  containersOf(manifests)
    .filter(([workload]) => isWorker(workload))
    .filter(([{ pod }, container]) => {
      const deadlineMs = Number(envOf(container).HEADRACE_STOP_DEADLINE_MS ?? STOP_DEADLINE_MS)
      // Kubernetes' own default.
      return (pod.spec.terminationGracePeriodSeconds ?? 30) * 1000 <= deadlineMs
    })
    .map(([{ name }]) => name)

type Target = { kind: string; name: string }
type Scaler = { spec: { scaleTargetRef: Target } }

/** Autoscalers scale a Deployment that exists, is scaled by no other one, and does not fix its replicas. */
export const autoscalers: Breaks = (manifests) => {
  const deployments = new Map(workloadsOf(manifests).map((workload) => [workload.name, workload]))
  const scalers = ['HorizontalPodAutoscaler', 'ScaledObject'].flatMap((kind) => ofKind<Scaler>(manifests, kind))
  const targets = scalers.map(({ spec }) => spec.scaleTargetRef.name)
  return [
    ...targets.filter((name) => deployments.get(name)?.kind !== 'Deployment').map((name) => `no Deployment ${name}`),
    ...targets.filter((name, index) => targets.indexOf(name) !== index).map((name) => `${name} is scaled twice`),
    ...targets.filter((name) => deployments.get(name)?.replicas !== undefined).map((name) => `${name} has replicas`),
    ...[...deployments.values()]
      .filter(({ kind, name, replicas }) => kind === 'Deployment' && replicas === undefined && !targets.includes(name))
      .map(({ name }) => `${name} has no replicas`),
  ]
}

type Authentication = {
  spec: {
    env?: { parameter: string; name: string; containerName: string }[]
    secretTargetRef?: { parameter: string }[]
    configMapTargetRef?: { parameter: string }[]
  }
}
type Trigger = { type: string; metadata: Record<string, string>; authenticationRef?: { name: string } }

/** KEDA's triggers say what KEDA reads, and follow the group, the brokers and the login of the loader. */
export const triggers: Breaks = (manifests) => {
  const authentications = new Map(
    ofKind<Authentication>(manifests, 'TriggerAuthentication').map((each) => [each.metadata.name, each.spec]),
  )
  return ofKind<{ spec: { scaleTargetRef: Target; triggers: Trigger[] } }>(manifests, 'ScaledObject').flatMap(
    ({ spec }) => {
      const target = containersOf(manifests).find(([{ name }]) => name === spec.scaleTargetRef.name)?.[1]
      const env = target === undefined ? {} : envOf(target)
      return spec.triggers.flatMap(({ type, metadata, authenticationRef }) => {
        const authentication = authenticationRef === undefined ? {} : authentications.get(authenticationRef.name)
        const given = authentication?.env ?? []
        const parameters = [
          ...given,
          ...(authentication?.secretTargetRef ?? []),
          ...(authentication?.configMapTargetRef ?? []),
        ]
        const needed = env.KAFKA_SASL_USERNAME === undefined ? [] : ['username', 'password']
        return [
          ...(type === 'kafka' ? [] : [`a trigger ${type}`]),
          ...Object.entries(metadata).flatMap(([name, value]) => misread(name, value, 'triggerMetadata')),
          ...parameters.flatMap(({ parameter }) => misread(parameter, null, 'authParams')),
          ...(metadata.bootstrapServers === env.KAFKA_BROKERS ? [] : ['other brokers']),
          ...(metadata.consumerGroup === namesFor(env.HEADRACE_PREFIX ?? '').loaderGroup ? [] : ['another group']),
          ...((metadata.tls === 'enable') === (env.KAFKA_TLS === 'true') ? [] : ['TLS']),
          ...(authentication === undefined ? [`no TriggerAuthentication ${authenticationRef?.name}`] : []),
          ...given
            .filter(({ name, containerName }) => !(name in env) || containerName !== target?.name)
            .map(({ name }) => name),
          ...needed.filter((name) => !parameters.some(({ parameter }) => parameter === name)),
        ]
      })
    },
  )
}

function misread(name: string, value: string | null, where: string): string[] {
  const parameter = kafkaTrigger[name]
  if (parameter === undefined || !parameter.in.includes(where)) return [`KEDA does not read ${name} in ${where}`]
  return value === null || (parameter.values ?? [value]).includes(value) ? [] : [`${name}: ${value}`]
}

/** No right that the program does not need: Kubernetes' profile "restricted", and a root that cannot be written. */
export const rights: Breaks = (manifests) => workloadsOf(manifests).flatMap(rightsOf)

function rightsOf({ name, pod: { spec } }: Workload): string[] {
  const { runAsNonRoot, runAsUser, fsGroup, seccompProfile } = spec.securityContext ?? {}
  const holds = {
    'runs as another user': runAsNonRoot === true && runAsUser === 1000 && fsGroup === 1000,
    'has no seccomp profile': seccompProfile?.type === 'RuntimeDefault',
    'gets a token of the API server': spec.automountServiceAccountToken === false,
    'gets variables of Services': spec.enableServiceLinks === false,
    ...Object.fromEntries(
      spec.containers.map(({ name: container, securityContext: own }) => [
        `${container} has rights`,
        own?.readOnlyRootFilesystem === true &&
          own.allowPrivilegeEscalation === false &&
          own.capabilities?.drop?.join() === 'ALL',
      ]),
    ),
  }
  return Object.entries(holds).flatMap(([what, isTrue]) => (isTrue ? [] : [`${name} ${what}`]))
}

/** Values of fields whose published schemas list none, by the name of the field. */
const VALUES_OF: Readonly<Record<string, readonly string[]>> = {
  imagePullPolicy: ['Always', 'IfNotPresent', 'Never'],
  restartPolicy: ['Always', 'OnFailure', 'Never'],
  protocol: ['TCP', 'UDP', 'SCTP'],
  concurrencyPolicy: ['Allow', 'Forbid', 'Replace'],
  whenUnsatisfiable: ['DoNotSchedule', 'ScheduleAnyway'],
  unhealthyPodEvictionPolicy: ['IfHealthyBudget', 'AlwaysAllow'],
  fsGroupChangePolicy: ['OnRootMismatch', 'Always'],
  policyTypes: ['Ingress', 'Egress'],
  accessModes: ['ReadWriteOnce', 'ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOncePod'],
  effect: ['NoSchedule', 'PreferNoSchedule', 'NoExecute'],
}

export const unknownValues: Breaks = (manifests) => manifests.flatMap(({ metadata, ...rest }) => strangersIn(rest, ''))

function strangersIn(value: unknown, field: string): string[] {
  if (Array.isArray(value)) return value.flatMap((each) => strangersIn(each, field))
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).flatMap(([name, inner]) => strangersIn(inner, name))
  const known = VALUES_OF[field]
  return known === undefined || known.includes(String(value)) ? [] : [`${field}: ${String(value)}`]
}

export type KafkaOptions = {
  brokers: string[]
  clientId: string
  tls?: { ca?: string; cert?: string; key?: string } | undefined
  sasl?: { mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; username: string; password: string } | undefined
}

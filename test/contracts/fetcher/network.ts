/** What the fetcher promises of the way that its requests take. */
import type { Line } from '../shown.ts'

const NETWORK = 'fetcher/behaviour/network.unit.test.ts'

export const network: readonly Line[] = [
  {
    server: 'is reached through a proxy, with a login or without',
    fetcher: 'uses the proxy of the environment or of the source, never goes around it, and shows its login nowhere',
    shownBy: [
      [NETWORK, 'that cannot be reached fails the attempt, and no request goes around it'],
      [NETWORK, 'that refuses its login says so, and the login is in no error and no log'],
      [NETWORK, 'of the environment is used with its login: forwarded for http, as a tunnel for https'],
      [NETWORK, 'is not asked for hosts of NO_PROXY, nor where the source declares proxy: false'],
      [NETWORK, 'of the source replaces those of the environment, also for hosts of NO_PROXY'],
    ],
  },
  {
    server: 'has a certificate of a private authority, asks for one of the client, or speaks HTTP/2',
    fetcher: 'trusts what is declared, shows the certificate to its own origins only, speaks HTTP/2 where declared',
    shownBy: [
      [NETWORK, 'to a server of an unknown authority fails, and the error says what to declare'],
      [NETWORK, 'trusts the authority that the source declares'],
      [NETWORK, 'shows the client certificate to the origins of the API and of its token endpoint, and to no other'],
      [NETWORK, 'HTTP/2 is spoken only where the source declares it'],
      [
        'shared/schema/registry.test.ts',
        'a registry over TLS is refused with an unknown authority or without the certificate that it asks for, and used with both',
      ],
    ],
  },
]

/** What the fetcher promises of the credentials that it uses. */
import type { Line } from '../shown.ts'

const CREDENTIALS = 'fetcher/http/auth/credentials.unit.test.ts'
const REFRESH = 'fetcher/http/auth/oauth2-refresh-token.test.ts'
const REFRESH_TOKENS = 'fetcher/behaviour/refresh-tokens.unit.test.ts'
const TOKEN_STORE = 'fetcher/behaviour/token-store.unit.test.ts'
const REFUSED = 'fetcher/behaviour/refused-credentials.unit.test.ts'
const TOKEN_REQUESTS = 'fetcher/behaviour/token-requests.unit.test.ts'
const LOGINS = 'fetcher/behaviour/session-tokens.unit.test.ts'
const ANSWERS = 'fetcher/http/auth/tokens/token-answer.unit.test.ts'
const TOKEN_URL = 'fetcher/http/auth/tokens/token-url.unit.test.ts'
const JWT_KEY = 'fetcher/http/auth/jwt-key.unit.test.ts'
const PROPERTY = 'scenarios/property.test.ts'
const RANDOM_APIS = `seeds \${seeds[0]} to \${seeds.at(-1)}`

export const credentials: readonly Line[] = [
  {
    server: 'gives a token that ends soon',
    fetcher: 'renews it a minute before its end, a short one a tenth of its life before; once for all that wait',
    shownBy: [
      [
        CREDENTIALS,
        `a token of \${JSON.stringify(life)} seconds is good until \${margin} s before its end, and renewed from then on`,
      ],
      [CREDENTIALS, 'eight requests at once take one token request'],
      ['scenarios/tokens.test.ts', 'a token that ends is renewed before it does, and no page is refused'],
    ],
  },
  {
    server: 'refuses a token that has not ended',
    fetcher: 'renews it once, by the token that was refused, asks once more, then stops',
    shownBy: [
      [CREDENTIALS, 'five 401s at once for the same token take one renewal'],
      [
        CREDENTIALS,
        'a 401 that comes late, for a token that was renewed meanwhile, takes the new one and asks for no third',
      ],
      [CREDENTIALS, 'a new token that is refused too is an error, with a hint and without the token'],
    ],
  },
  {
    server: 'hands out a new refresh token, or none',
    fetcher: 'stores the new one before it is used, keeps the old one, and loses nothing to a crash in between',
    shownBy: [
      [REFRESH_TOKENS, 'that the answer does not replace stays, and is used again'],
      [REFRESH_TOKENS, 'that the answer replaces is in the store before the new access token is used'],
      [
        REFRESH,
        'two that refresh at once share one rotation; one that is killed between storing and using loses nothing',
      ],
    ],
  },
  {
    server: 'has a token endpoint that fails, refuses, or does not say how long a token lives',
    fetcher: 'asks it again; stops with a hint; renews on a 401',
    shownBy: [
      [CREDENTIALS, `a token endpoint that answers with \${JSON.stringify(answer)} is asked again`],
      [CREDENTIALS, `\${name} is not tried again and says what to check`],
      [CREDENTIALS, `expires_in \${JSON.stringify(life) ?? 'missing'} works, and the token is renewed on a 401`],
    ],
  },
  {
    server: 'refuses the credentials for good: 401 to each token, invalid_grant, invalid_client',
    fetcher:
      'asks again with waits that double, begins with another token, takes a changed secret at once, and says what a person must do',
    shownBy: [
      [
        REFUSED,
        'is asked for again with waits that double, and not at each run; the error says that a person must authorise again',
      ],
      [REFUSED, 'gives way at once to a new first token in its file'],
      [REFUSED, 'is left alone with waits that double, over all partitions, until its secret changes'],
      [REFUSED, 'the next run does not send the refused token again: it has another one first'],
      [REFUSED, `is used as it is now, after a 401 in the same request, and without one a second later: \${name}`],
      [REFUSED, 'and is empty or gone for a moment leaves the last good value in use, for five minutes at most'],
      [
        'fetcher/behaviour/refused-runs.test.ts',
        'with 401 on one path waits longer and longer there, and fetches the other stream on time',
      ],
      [
        'fetcher/behaviour/refused-runs.test.ts',
        'by the token endpoint for good asks it once for all streams, and fails every run meanwhile',
      ],
    ],
  },
  {
    server: 'calls the type of its tokens by a name of its own, or wants a proof with each',
    fetcher: 'sends them as Bearer, or with the word that is declared; refuses the latter',
    shownBy: [
      [REFUSED, `\${type} is refused: its tokens are useless without a proof; the hint says what to do`],
      [REFUSED, `does not matter where the word before the token is declared: \${name}`],
    ],
  },
  {
    server: 'takes a refresh token away as it answers, while the store is full or cannot be written to',
    fetcher: 'writes to the store first, and does not use the token where it cannot',
    shownBy: [
      [TOKEN_STORE, `\${name} is told before the endpoint is asked, first and later: the token is not used up`],
      [TOKEN_STORE, 'on a full disk is told before the endpoint is asked, and the refresh goes on when there is room'],
      [
        TOKEN_STORE,
        'that was written before the token was used, by a process that then died, holds the token that is still good',
      ],
      [TOKEN_STORE, 'that others can enter or read is reported with the command that closes it'],
    ],
  },
  {
    server: 'quotes the credentials or the whole header in an error, in whatever form',
    fetcher: 'shows the error without them',
    shownBy: [
      ['shared/redact/text.unit.test.ts', `\${name} holds no token any more, whatever stands around it`],
      [
        'shared/redact/text.unit.test.ts',
        'of user name and password holds neither of them, in base64 of the whole value either',
      ],
      [
        'shared/redact/text.unit.test.ts',
        'that was cut shows no beginning of it, where the cut came before the blanks were taken out too',
      ],
      ['shared/redact/text.unit.test.ts', `in base64 is shown without the credentials: \${name}`],
    ],
  },
  {
    server: 'ends a token between two pages',
    fetcher: 'goes on from the same cursor',
    shownBy: [
      ['scenarios/tokens.test.ts', 'a token that is revoked costs one refused request and one token more'],
      [PROPERTY, RANDOM_APIS],
    ],
  },
  {
    server: 'takes credentials in one of the usual ways',
    fetcher: 'sends them so, and shows them in no log, topic or error',
    shownBy: [
      [CREDENTIALS, 'in the header: form-encoded, with scope, audience and extra parameters in the body'],
      [CREDENTIALS, 'in the body, at another origin that gets nothing else'],
      [
        REFRESH_TOKENS,
        'is sent with the client in the header, with scope and extra parameters in the body; the page gets the access token alone',
      ],
      [CREDENTIALS, 'a bearer token goes into the Authorization header'],
      [CREDENTIALS, 'user name and password go into a Basic header'],
      [CREDENTIALS, 'an API key goes into the header that is declared'],
      [CREDENTIALS, 'an API key in the query is sent, and is in neither the answer, a log line, nor an error'],
      [
        'fetcher/behaviour/secret-headers.unit.test.ts',
        'is sent beside the other credentials to the own origin, also after a redirect, and nowhere else',
      ],
      [
        'scenarios/secrets.test.ts',
        'no credential is in a log, an output, a topic, a checkpoint or a table, whatever the API repeats',
      ],
    ],
  },
  {
    server: 'wants its token request in a form of its own',
    fetcher: 'sends it as JSON, form or query, with the names, fields, headers and client as declared',
    shownBy: [
      [TOKEN_REQUESTS, 'as JSON has its fields in a JSON body, nested ones and those of settings too'],
      [TOKEN_REQUESTS, 'as a query has its fields in the URL of a GET without a body'],
      [TOKEN_REQUESTS, 'has the client in a Basic header unless the body is declared, and a header of its own instead'],
      [TOKEN_REQUESTS, 'calls its fields by other names, omits those that are null, and joins its scopes'],
      [TOKEN_REQUESTS, 'with a password has user name and password, and a client where one is declared'],
      [TOKEN_REQUESTS, 'with a refresh token as JSON stores the successor that is at the declared place'],
    ],
  },
  {
    server: 'answers with its token elsewhere, or wants it elsewhere',
    fetcher: 'finds it at the declared place, knows its life in any unit, and sends it to the declared place only',
    shownBy: [
      [TOKEN_REQUESTS, `is found \${name}`],
      [TOKEN_REQUESTS, `is sent \${name}, and is in neither the request of the answer nor a log line`],
      [TOKEN_REQUESTS, 'that is not at its place is an error that names the place and shows no value'],
      [ANSWERS, `\${JSON.stringify(life)} of \${JSON.stringify(value)} is \${lifeMs} ms`],
    ],
  },
  {
    server: 'gives its token by a login',
    fetcher: 'logs in once for all that wait, again when the token ends or is refused, and hides what the login sends',
    shownBy: [
      [LOGINS, 'sends JSON with secrets and settings anywhere in it, and only its token to the API'],
      [LOGINS, 'sends a form, headers and parameters, with Basic credentials of its own'],
      [LOGINS, 'takes the cookie that a redirect sets, and sends it to the API'],
      [LOGINS, `is used \${name}`],
      [LOGINS, 'that is refused costs one login for all who wait, and is not sent again'],
      [LOGINS, 'in a next link is stored as a mark, and asked for with the token of now'],
    ],
  },
  {
    server: 'has its token endpoint or its login at another origin',
    fetcher: 'sends credentials there only if the declaration names that address whole, and follows no redirect',
    shownBy: [
      [
        TOKEN_REQUESTS,
        'at another origin gets the client where the declaration names it whole, and the page is asked without',
      ],
      [TOKEN_REQUESTS, 'that redirects to another origin is not followed, and the error says what to declare'],
      [LOGINS, 'at another origin gets its fields there, and nothing of them goes to the API'],
      [TOKEN_URL, `is refused with a setting that could lead elsewhere: "\${value}"`],
      [TOKEN_URL, `is refused: \${value}`],
    ],
  },
  {
    server: 'puts secrets into a token answer, or answers without an end',
    fetcher: 'redacts each of them, and reads 1 MiB at most, without quoting it',
    shownBy: [
      [TOKEN_REQUESTS, 'and each other secret of its answer are removed from what the API quotes'],
      [ANSWERS, 'are texts under names of secrets at any depth, and cookies'],
      [TOKEN_REQUESTS, 'that answers with too much is asked again, within the bounds, and never quoted'],
    ],
  },
  {
    server: 'verifies JWTs, by a shared secret or a public key',
    fetcher: 'signs them with any algorithm of RFC 7518, and refuses a key that does not fit by its name',
    shownBy: [
      [JWT_KEY, `is signed with HS\${bits}, with its claims, headers, life and place as declared`],
      [JWT_KEY, `that is written \${secretEncoding} is decoded: \${written}`],
      [JWT_KEY, `is signed with \${algorithm} as a server verifies it`],
      [JWT_KEY, 'that is encrypted is opened with its passphrase, and refused with another'],
    ],
  },
]

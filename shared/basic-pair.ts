/** Client id and secret for the Basic header of a token request, which RFC 6749 section 2.3.1 wants form-encoded. */
export const basicPair = (clientId: string, clientSecret: string): string =>
  `${formEncoded(clientId)}:${formEncoded(clientSecret)}`

/** One value as application/x-www-form-urlencoded writes it. */
export const formEncoded = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1)

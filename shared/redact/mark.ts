/** What replaces a secret in everything that is shown or stored. Recordings have it too, so it does not change. */
export const REDACTED = '***'

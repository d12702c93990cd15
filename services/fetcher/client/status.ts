/** What HTTP says of a status (RFC 9110 section 15), where no declaration says otherwise. */
const PASSING_STATUSES: readonly number[] = [408, 425, 429]

export const isOk = (status: number): boolean => status >= 200 && status <= 299

/** True if asking again can bring another answer. */
export const mayPass = (status: number): boolean => status >= 500 || PASSING_STATUSES.includes(status)

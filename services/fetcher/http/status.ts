/** What HTTP says of a status (RFC 9110 section 15), where no declaration says otherwise. */
const PASSING_STATUSES: readonly number[] = [408, 425, 429]
const NO_CONTENT_STATUSES: readonly number[] = [204, 205]

export const isOk = (status: number): boolean => status >= 200 && status <= 299

/** True if a retry can get another response. */
export const mayPass = (status: number): boolean => status >= 500 || PASSING_STATUSES.includes(status)

/** True for a status that means no content: a page without records, and the last one. */
export const isNoContent = (status: number): boolean => NO_CONTENT_STATUSES.includes(status)

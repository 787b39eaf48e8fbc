/** Why a call has no good answer: what the program said, or that it can't be reached. */
export class Problem extends Error {
  /** HTTP's status; 0 if there was no answer. */
  readonly status: number
  /** Which problem it is, as in the API's document. */
  override readonly name: string
  /** AT-URIs of what was written and could not be undone, or may have been written. */
  readonly remains: string[]

  constructor(status: number, name: string, message: string, remains: string[] = []) {
    super(message)
    this.status = status
    this.name = name
    this.remains = remains
  }

  /** Whether the same may succeed if it is asked again. */
  get passes(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500
  }
}

/** What an answer that isn't good says. */
export function problemOf(status: number, body: unknown): Problem {
  const { error, message, remains } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>
  return new Problem(
    status,
    typeof error === 'string' ? error : 'Unknown',
    typeof message === 'string' ? message : `HTTP ${status}`,
    Array.isArray(remains) ? remains.filter((uri) => typeof uri === 'string') : [],
  )
}

/** No answer came. */
export function unreachable(): Problem {
  return new Problem(0, 'Unreachable', '')
}

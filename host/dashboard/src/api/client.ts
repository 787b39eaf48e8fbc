/**
 * Every call of the API goes through here: typed by its document, signed as the session's, and renewed when its token has run out.
 *
 * Tokens are in cookies that no script can read. What changes something carries the session's CSRF token. A refresh token is good once, so of
 * all tabs of a browser only one renews at a time, and the others go on with what it got.
 */
import createClient from 'openapi-fetch'
import { problemOf, unreachable } from './problem'
import type { components, paths } from './schema'

export type Schemas = components['schemas']

/** What is known of the session here, outside any page. */
const session = { csrf: '', expires: Number.POSITIVE_INFINITY }

/** Milliseconds before a token's end in which it is renewed. */
const EARLY = 30_000

export function remember(csrf: string, expires: string | null | undefined) {
  session.csrf = csrf
  session.expires = expires ? Date.parse(expires) : Number.POSITIVE_INFINITY
}

/** For what is not sent by [`send`]. */
export function csrfToken(): string {
  return session.csrf
}

export function forget() {
  remember('', undefined)
}

/** One request as it goes out: with the CSRF token where something is changed. */
function signed(request: Request): Request {
  if (request.method !== 'GET' && session.csrf) request.headers.set('x-csrf-token', session.csrf)
  return request
}

/** The Web Locks of this page; none in a test, nor on plain HTTP to another machine. */
const alone = <T>(work: () => Promise<T>): Promise<T> =>
  navigator.locks ? (navigator.locks.request('atrarium-renewal', work) as Promise<T>) : work()

let renewing: Promise<boolean> | undefined

/** Gets a new access token. False if there is no session any more, or nobody can tell. */
export function renew(): Promise<boolean> {
  renewing ??= alone(renewOnce).finally(() => {
    renewing = undefined
  })
  return renewing
}

async function renewOnce(): Promise<boolean> {
  // Another tab may have done it while this one waited.
  const start = await fetch('/api/auth/start').then(
    (answer) => (answer.ok ? (answer.json() as Promise<Schemas['Start']>) : undefined),
    () => undefined,
  )
  if (start?.caller && start.expiresAt && Date.parse(start.expiresAt) - Date.now() > EARLY) {
    remember(start.caller.csrfToken ?? '', start.expiresAt)
    return true
  }
  if (!start?.renewable) return false
  const answer = await fetch('/api/auth/refresh', { method: 'POST' }).catch(() => undefined)
  if (!answer?.ok) return false
  const got = (await answer.json()) as Schemas['Signed']
  remember(got.csrfToken, got.accessExpiresAt)
  return true
}

/** Renews a token that ends soon, so that no call fails first. */
export async function fresh() {
  if (session.expires - Date.now() < EARLY) await renew()
}

export async function send(request: Request): Promise<Response> {
  const again = request.clone()
  try {
    await fresh()
    const answer = await fetch(signed(request))
    if (answer.status !== 401 || !session.csrf || !(await renew())) return answer
    return await fetch(signed(again))
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause
    throw unreachable()
  }
}

export const api = createClient<paths>({ baseUrl: globalThis.location?.origin, fetch: send })

type Answer<T> = { data?: T; error?: unknown; response: Response }

/** The good answer, or a [`Problem`]. */
export async function good<T>(call: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await call
  if (!response.ok) throw problemOf(response.status, error)
  return data as T
}

/** What was done at the user's own server and can't be seen here yet. */
export type Pending = Schemas['Pending']
export type Written<T> = { done: Exclude<T, Pending>; pending?: never } | { pending: Pending; done?: never }

/** What a change is answered with: what is so now, or that it will be. */
export async function written<T>(call: Promise<Answer<T>>): Promise<Written<T>> {
  const { data, error, response } = await call
  if (!response.ok) throw problemOf(response.status, error)
  return response.status === 202 ? { pending: data as Pending } : { done: data as Exclude<T, Pending> }
}

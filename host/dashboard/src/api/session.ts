/** Who is signed in, and with which sessions. */
import { type QueryClient, queryOptions } from '@tanstack/react-query'
import { api, forget, good, remember, renew, type Schemas } from './client'

export type Start = Schemas['Start']
export type Caller = NonNullable<Start['caller']>
export type Session = Schemas['SessionView']

async function readStart(): Promise<Start> {
  const read = () => good(api.GET('/api/auth/start'))
  let start = await read()
  if (!start.caller && start.renewable && (await renew())) start = await read()
  if (start.caller) remember(start.caller.csrfToken ?? '', start.expiresAt)
  else forget()
  return start
}

/** Who looks at the page, and what kind of host this is. */
export const startQuery = queryOptions({ queryKey: ['start'], queryFn: readStart, staleTime: Number.POSITIVE_INFINITY })

export const sessionsQuery = queryOptions({
  queryKey: ['sessions'],
  queryFn: async () => (await good(api.GET('/api/auth/sessions'))).sessions,
})

export type Password = { identifier: string; password: string; authFactorToken?: string }

export async function signInWithPassword(password: Password) {
  const got = await good(api.POST('/api/auth/login', { body: password }))
  remember(got.csrfToken, got.accessExpiresAt)
}

/** Where a browser goes to sign in with its user's own server. */
export function oauthAddress(handle: string, returnTo: string): string {
  return `/oauth/login?${new URLSearchParams({ handle, return: returnTo })}`
}

export async function signOut() {
  await good(api.POST('/api/auth/logout'))
  forget()
}

export async function endSession(id: string) {
  await good(api.DELETE('/api/auth/sessions/{id}', { params: { path: { id } } }))
}

export async function signOutEverywhere() {
  await good(api.DELETE('/api/auth/sessions'))
  forget()
}

/**
 * Forgets all that was read as somebody, once its pages are left: those would ask for it again. The start is not forgotten but changed, since
 * what is around every page follows it.
 */
export async function becomeNobody(queries: QueryClient, leave: () => Promise<void>) {
  queries.setQueryData(startQuery.queryKey, (start) => start && { host: start.host, renewable: false })
  await leave()
  const [start] = startQuery.queryKey
  queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== start })
}

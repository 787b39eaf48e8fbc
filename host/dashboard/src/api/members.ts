/** Who belongs to a community, and as what. */
import { infiniteQueryOptions } from '@tanstack/react-query'
import { api, good, type Schemas, written } from './client'
import { untilNamed } from './queries'

export type Member = Schemas['Member']

/** As many as one call gives. */
const AT_ONCE = 1000

export const membersQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: ['community', id, 'members'],
    queryFn: ({ pageParam, signal }) =>
      good(api.GET('/api/communities/{id}/members', { params: { path: { id }, query: { limit: AT_ONCE, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.cursor ?? undefined,
    // A long list isn't read anew for some names.
    refetchInterval: untilNamed(
      ({ pages }) => pages.length === 1 && !pages[0]?.cursor && pages.some(({ members }) => members.some((one) => !one.handle)),
    ),
  })

export const join = (id: string) => written(api.POST('/api/communities/{id}/members', { params: { path: { id } } }))
export const leave = (id: string, did: string) =>
  written(api.DELETE('/api/communities/{id}/members/{did}', { params: { path: { id, did } } }))
export const appoint = (id: string, did: string, role: 'moderator' | 'member', keepActions?: boolean) =>
  written(api.PUT('/api/communities/{id}/members/{did}', { params: { path: { id, did } }, body: { role, keepActions } }))

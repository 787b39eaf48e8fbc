/** Communities, their posts and their week. */
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { api, good, type Schemas, written } from './client'
import { untilNamed } from './queries'

export type Community = Schemas['Community']
export type Post = Schemas['Post']
export type Stage = Schemas['Stage']
export type Role = Schemas['Role']
export type FeedMix = Schemas['FeedMix']
export type Stats = Schemas['Stats']
export type Explanation = Schemas['Explanation']
export type NewCommunity = Schemas['NewCommunity']
export type Amendment = Schemas['Amendment']

export type Wanted = { q?: string; stage?: Stage; role?: 'owner' | 'moderator' | 'member' | 'mine' }

const from = {
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (page: { cursor?: string | null }) => page.cursor ?? undefined,
}

export const communitiesQuery = (wanted: Wanted) =>
  infiniteQueryOptions({
    queryKey: ['communities', wanted],
    queryFn: ({ pageParam, signal }) => good(api.GET('/api/communities', { params: { query: { ...wanted, cursor: pageParam } }, signal })),
    ...from,
  })

export const communityQuery = (id: string) =>
  queryOptions({
    queryKey: ['community', id],
    queryFn: ({ signal }) => good(api.GET('/api/communities/{id}', { params: { path: { id } }, signal })),
    refetchInterval: untilNamed<Community>(
      ({ ownerHandle, moderators, moderatorHandles }) => !ownerHandle || moderators.some((did) => !moderatorHandles?.[did]),
    ),
  })

export const childrenQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: ['community', id, 'children'],
    queryFn: ({ pageParam, signal }) =>
      good(api.GET('/api/communities/{id}/children', { params: { path: { id }, query: { cursor: pageParam } }, signal })),
    ...from,
  })

export const postsQuery = (id: string, hidden: boolean) =>
  infiniteQueryOptions({
    queryKey: ['community', id, 'posts', { hidden }],
    queryFn: ({ pageParam, signal }) =>
      good(
        api.GET('/api/communities/{id}/posts', {
          params: { path: { id }, query: { hidden: hidden || undefined, limit: 30, cursor: pageParam } },
          signal,
        }),
      ),
    ...from,
  })

export const statsQuery = (id: string) =>
  queryOptions({
    queryKey: ['community', id, 'stats'],
    queryFn: ({ signal }) => good(api.GET('/api/communities/{id}/stats', { params: { path: { id } }, signal })),
  })

export const explainQuery = (id: string, post: string) =>
  queryOptions({
    queryKey: ['community', id, 'explain', post],
    queryFn: ({ signal }) => good(api.GET('/api/communities/{id}/explain', { params: { path: { id }, query: { post } }, signal })),
    staleTime: 0,
    retry: false,
  })

export const createCommunity = (body: NewCommunity) => written(api.POST('/api/communities', { body }))
export const amendCommunity = (id: string, body: Amendment) => written(api.PUT('/api/communities/{id}', { params: { path: { id } }, body }))
export const closeCommunity = (id: string) => written(api.DELETE('/api/communities/{id}', { params: { path: { id } } }))

/** What may be out of date when a community has changed. */
export const keyOf = (id: string) => ['community', id] as const

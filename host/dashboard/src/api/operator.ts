/** The whole host, for its operators. */
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { api, good, type Schemas } from './client'

export type HostStatus = Schemas['HostStatus']
export type HostLimits = Schemas['HostLimits']
export type DeadLetter = Schemas['DeadLetter']
export type CommunityLoad = Schemas['CommunityLoad']

export const statusQuery = queryOptions({
  queryKey: ['operator', 'status'],
  queryFn: ({ signal }) => good(api.GET('/api/operator/status', { signal })),
  // Of a thousand questions an hour this takes a half, and the next ones less.
  refetchInterval: 7_500,
})

export const limitsQuery = queryOptions({
  queryKey: ['operator', 'limits'],
  queryFn: ({ signal }) => good(api.GET('/api/operator/limits', { signal })),
})

export const loadQuery = queryOptions({
  queryKey: ['operator', 'load'],
  queryFn: async ({ signal }) => (await good(api.GET('/api/operator/load', { signal }))).communities,
  // It tells of a quarter of an hour, so a minute is soon enough.
  refetchInterval: 60_000,
})

export const lettersQuery = infiniteQueryOptions({
  queryKey: ['operator', 'letters'],
  queryFn: ({ pageParam, signal }) => good(api.GET('/api/operator/dead-letters', { params: { query: { cursor: pageParam } }, signal })),
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (page) => page.cursor ?? undefined,
})

const letter = (id: string) => ({ params: { path: { letter: id } } })
export const retryLetter = (id: string) => good(api.POST('/api/operator/dead-letters/{letter}/retry', letter(id)))
export const dropLetter = (id: string) => good(api.DELETE('/api/operator/dead-letters/{letter}', letter(id)))

/** Whoever was told to wait has their whole share again: a DID, or an address. */
export const liftLimits = (who: string) => good(api.DELETE('/api/operator/limits/{who}', { params: { path: { who } } }))

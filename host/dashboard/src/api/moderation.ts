/** Hiding, blocking, and the log of both. */
import { infiniteQueryOptions } from '@tanstack/react-query'
import { api, good, type Schemas, written } from './client'
import { untilNamed } from './queries'

export type Action = Schemas['Action']
export type ActionKind = Schemas['ActionKind']
export type NewAction = Schemas['NewAction']

export const actionsQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: ['community', id, 'actions'],
    queryFn: ({ pageParam, signal }) =>
      good(api.GET('/api/moderation/actions', { params: { query: { community: id, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.cursor ?? undefined,
    refetchInterval: untilNamed(({ pages }) => pages.length === 1 && pages.some(({ actions }) => actions.some((one) => !one.authorHandle))),
  })

export const act = (body: NewAction) => written(api.POST('/api/moderation/actions', { body }))
export const undo = (rkey: string) => written(api.DELETE('/api/moderation/actions/{rkey}', { params: { path: { rkey } } }))

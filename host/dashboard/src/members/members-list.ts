/** All members of a community, page after page; and the order in which they stand while more of them come. */
import { hashKey, useInfiniteQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useMemo, useState } from 'react'
import type { Community, Role } from '@/api/communities'
import { type Member, membersQuery } from '@/api/members'

/** Somebody in the list. Of whom the community names, more may still be on its way. */
export type Row = Member & { awaited?: boolean }

/** So many come by themselves, and as many with each press of the button. */
const BY_THEMSELVES = 10_000

/** A list is read anew at most this often for each of its pages, so that a busy community doesn't use up its reader's calls. */
const REST_FOR_A_PAGE_MS = 20_000

/** A handle that isn't known is looked up meanwhile: a list of one page asks twice more. */
const HANDLES_MS = 5_000

export function useMembers(community: Community) {
  const wanted = membersQuery(community.id)
  const pages = useQueryClient().getQueryData(wanted.queryKey)?.pages.length ?? 0
  const query = useInfiniteQuery({
    ...wanted,
    // A list of many pages is followed with rests between, by `useCalm`.
    enabled: pages <= 1,
    refetchInterval: ({ state }) => (state.dataUpdateCount < 3 && state.data && lacksHandles(state.data.pages) ? HANDLES_MS : false),
  })
  const { data, hasNextPage, isFetching, isFetchNextPageError, fetchNextPage, refetch } = query
  useCalm(community.id, pages, refetch)

  const [most, setMost] = useState(BY_THEMSELVES)
  const members = useMemo(() => data?.pages.flatMap((page) => page.members) ?? [], [data])
  const loaded = members.length
  const goesOn = hasNextPage && loaded < most
  const next = goesOn && !isFetching && !isFetchNextPageError
  // `loaded` is named so that each page brings the next, even where nothing else changes.
  // biome-ignore lint/correctness/useExhaustiveDependencies: as said above
  useEffect(() => {
    if (next) void fetchNextPage()
  }, [next, loaded, fetchNextPage])

  const rows = useMemo(() => inOrder(community, members, !hasNextPage), [community, members, hasNextPage])
  return {
    query,
    rows,
    loaded,
    total: Math.max(data?.pages.at(-1)?.total ?? 0, loaded),
    goesOn,
    /** More than comes by itself is there. */
    limited: hasNextPage && !goesOn,
    further: () => setMost(loaded + BY_THEMSELVES),
  }
}

const lacksHandles = (pages: { members: Member[] }[]) => pages.length === 1 && pages[0]?.members.some((member) => !member.handle)

/** Reads a long list anew when something in it has changed, but not at every change. */
function useCalm(id: string, pages: number, refetch: () => unknown) {
  const queries = useQueryClient()
  useEffect(() => {
    if (pages <= 1) return
    const { queryKey } = membersQuery(id)
    const hash = hashKey(queryKey)
    let timer: ReturnType<typeof setTimeout> | undefined
    const soon = () => {
      const rested = (queries.getQueryState(queryKey)?.dataUpdatedAt ?? 0) + pages * REST_FOR_A_PAGE_MS
      timer ??= setTimeout(
        () => {
          timer = undefined
          void refetch()
        },
        Math.max(0, rested - Date.now()),
      )
    }
    const state = queries.getQueryState(queryKey)
    if (state?.isInvalidated || Date.now() - (state?.dataUpdatedAt ?? 0) > REST_FOR_A_PAGE_MS) soon()
    const stop = queries.getQueryCache().subscribe((event) => {
      if (event.type === 'updated' && event.action.type === 'invalidate' && event.query.queryHash === hash) soon()
    })
    return () => {
      stop()
      clearTimeout(timer)
    }
  }, [id, pages, queries, refetch])
}

/**
 * The owner and the moderators first, whom the community names, so that nobody who is there already moves when further pages come: whoever
 * of them hasn't come yet has a place already.
 */
export function inOrder(community: Pick<Community, 'owner' | 'moderators'>, members: Member[], complete: boolean): Row[] {
  const known = new Map(members.map((member) => [member.did, member]))
  const named = new Map<string, Role>(community.moderators.map((did) => [did, 'moderator']))
  named.delete(community.owner)
  const leading: [string, Role][] = [[community.owner, 'owner'], ...named]
  const first = leading.flatMap(([did, role]): Row[] => {
    const member = known.get(did)
    if (member) return [member]
    return complete ? [] : [{ did, role, blocked: false, active: true, awaited: true }]
  })
  return [...first, ...members.filter(({ did }) => did !== community.owner && !named.has(did))]
}

type Page = { members: Member[]; total: number }

/** The list after somebody's role has changed. Who moderated and never joined is no member after. */
export function withRole<List extends { pages: Page[] }>(list: List, { did, role }: { did: string; role?: Role | null }): List {
  const changed = (page: List['pages'][number]) =>
    role
      ? { ...page, members: page.members.map((member) => (member.did === did ? { ...member, role } : member)) }
      : { ...page, members: page.members.filter((member) => member.did !== did), total: page.total - 1 }
  return { ...list, pages: list.pages.map(changed) }
}

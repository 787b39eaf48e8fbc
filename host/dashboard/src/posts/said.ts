import { useQuery, useSuspenseQuery } from '@tanstack/react-query'
import { hydratedQuery } from '@/api/appview'
import { startQuery } from '@/api/session'

/** What a post says, as soon as the AppView has told. Null where it has no such post. */
export function useSaid(uri: string) {
  const { data: start } = useSuspenseQuery(startQuery)
  return useQuery(hydratedQuery(start.host.appview ?? undefined, uri))
}

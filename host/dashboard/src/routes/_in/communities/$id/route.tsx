import { useSuspenseQuery } from '@tanstack/react-query'
import { createFileRoute, Outlet } from '@tanstack/react-router'
import { communityQuery } from '@/api/communities'
import { useLive } from '@/api/live'
import { CommunityHeader } from '@/communities/community-header'
import { words } from '@/words'

/** Everything of one community: who it is, above all its pages, and what changes in it as it happens. */
export const Route = createFileRoute('/_in/communities/$id')({
  loader: ({ context, params }) => Promise.all([words('posts'), context.queries.ensureQueryData(communityQuery(params.id))]),
  component: CommunityLayout,
})

function CommunityLayout() {
  const { id } = Route.useParams()
  const { data: community } = useSuspenseQuery(communityQuery(id))
  const connection = useLive(id)
  return (
    <>
      <CommunityHeader community={community} connection={connection} />
      <Outlet />
    </>
  )
}

import { useInfiniteQuery } from '@tanstack/react-query'
import { createFileRoute, Link } from '@tanstack/react-router'
import { Plus } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { communitiesQuery } from '@/api/communities'
import { CommunityListSkeleton } from '@/communities/community-list'
import { FindCommunities, type Search, searchOf } from '@/communities/find-communities'
import { YourCommunities } from '@/communities/your-communities'
import { PageTitle } from '@/parts/page'
import { Button } from '@/ui/button'
import { words } from '@/words'

const mine = communitiesQuery({ role: 'mine' })

export const Route = createFileRoute('/_in/')({
  validateSearch: (search): Search => searchOf(search),
  // The list below begins where one's own ends, and must not move when that comes. A failure shows in its place.
  loader: ({ context }) => Promise.all([words('communities'), context.queries.ensureInfiniteQueryData(mine).catch(() => undefined)]),
  pendingComponent: Pending,
  component: Page,
})

function Page() {
  const search = Route.useSearch()
  const navigate = Route.useNavigate()
  const query = useInfiniteQuery(mine)
  const find = (change: Search, replace = false) =>
    void navigate({ search: (before) => searchOf({ ...before, ...change }), replace, resetScroll: false })
  return (
    <>
      <Title />
      <div className="grid gap-12">
        <YourCommunities query={query} />
        <FindCommunities search={search} onSearch={find} />
      </div>
    </>
  )
}

function Pending() {
  return (
    <>
      <Title />
      <CommunityListSkeleton />
    </>
  )
}

function Title() {
  // Shown before this page's words are here.
  const { t } = useTranslation()
  return (
    <PageTitle title={t('nav.communities')}>
      <Button asChild>
        <Link to="/communities/new">
          <Plus aria-hidden />
          {t('nav.create')}
        </Link>
      </Button>
    </PageTitle>
  )
}

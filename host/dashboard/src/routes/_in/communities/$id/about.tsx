import { useSuspenseQuery } from '@tanstack/react-query'
import { createFileRoute } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { childrenQuery, communityQuery, statsQuery } from '@/api/communities'
import { AboutFamily } from '@/communities/about-family'
import { AboutMix } from '@/communities/about-mix'
import { AboutPeople } from '@/communities/about-people'
import { AboutWeek } from '@/communities/about-week'
import { useTitle } from '@/parts/page'

/** How a community is doing, what its feed is made of, and who is behind it. */
export const Route = createFileRoute('/_in/communities/$id/about')({
  loader: ({ context, params }) => {
    void context.queries.prefetchQuery(statsQuery(params.id))
    void context.queries.prefetchInfiniteQuery(childrenQuery(params.id))
  },
  component: Page,
})

function Page() {
  const { t } = useTranslation('posts')
  const { id } = Route.useParams()
  const { data: community } = useSuspenseQuery(communityQuery(id))
  useTitle(`${t('tabs.about')} · ${community.name}`)
  return (
    <div className="grid gap-4">
      <h2 className="text-xl font-semibold">{t('about.title')}</h2>
      <AboutWeek id={id} community={community} />
      <div className="grid gap-4 md:grid-cols-2 lg:grid-cols-3">
        <AboutMix community={community} />
        <AboutPeople community={community} />
        <AboutFamily id={id} community={community} />
      </div>
    </div>
  )
}

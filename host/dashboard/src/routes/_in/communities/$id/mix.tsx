import { useSuspenseQuery } from '@tanstack/react-query'
import { createFileRoute, Link } from '@tanstack/react-router'
import { Shuffle } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { type Community, communityQuery } from '@/api/communities'
import { mixQuery, versionsQuery } from '@/api/mixes'
import { MixPage } from '@/mixes/mix-page'
import { Empty } from '@/parts/empty'
import { useTitle } from '@/parts/page'
import { Button } from '@/ui/button'
import { words } from '@/words'

/** `preview` is the number of a version that is looked at. */
export const Route = createFileRoute('/_in/communities/$id/mix')({
  validateSearch: (search): { preview?: number } => {
    const preview = Number(search.preview)
    return Number.isInteger(preview) && preview > 0 ? { preview } : {}
  },
  loader: ({ context: { queries }, params: { id } }) => {
    // Begun with the page's own code, for who may read it; why somebody may not even read the community, the page says.
    const begin = ({ role }: Community) => {
      if (role !== 'owner') return
      void queries.prefetchQuery(mixQuery(id))
      void queries.prefetchQuery(versionsQuery(id))
    }
    queries.ensureQueryData(communityQuery(id)).then(begin, () => {})
    return words('mixes')
  },
  component: Page,
})

function Page() {
  const { t } = useTranslation('mixes')
  const { id } = Route.useParams()
  const { preview } = Route.useSearch()
  const { data: community } = useSuspenseQuery(communityQuery(id))
  useTitle(`${t('title')} · ${community.name}`)
  if (community.role === 'owner') return <MixPage id={id} preview={preview} />
  return (
    <Empty icon={<Shuffle aria-hidden />} title={t('notOwner.title')}>
      <p>{t('notOwner.text')}</p>
      <Button asChild kind="secondary">
        <Link to="/communities/$id" params={{ id }}>
          {t('notOwner.posts')}
        </Link>
      </Button>
    </Empty>
  )
}

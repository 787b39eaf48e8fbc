import { useSuspenseQuery } from '@tanstack/react-query'
import { createFileRoute, Link } from '@tanstack/react-router'
import { Lock } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { communityQuery } from '@/api/communities'
import { SettingsForm } from '@/communities/settings-form'
import { Empty } from '@/parts/empty'
import { useTitle } from '@/parts/page'
import { Person } from '@/parts/person'
import { Button } from '@/ui/button'
import { words } from '@/words'

export const Route = createFileRoute('/_in/communities/$id/settings')({
  loader: () => words('communities'),
  component: Page,
})

function Page() {
  const { t } = useTranslation('communities')
  const { id } = Route.useParams()
  const { data: community } = useSuspenseQuery(communityQuery(id))
  useTitle(t('settings.page', { name: community.name }))
  if (community.role === 'owner') return <SettingsForm key={community.uri} id={id} community={community} />
  return (
    <Empty icon={<Lock aria-hidden />} title={t('settings.notYours')}>
      <p>
        {t('settings.notYoursHint')} <Person did={community.owner} handle={community.ownerHandle} />
      </p>
      <Button asChild kind="secondary">
        <Link to="/communities/$id" params={{ id }}>
          {t('settings.back')}
        </Link>
      </Button>
    </Empty>
  )
}

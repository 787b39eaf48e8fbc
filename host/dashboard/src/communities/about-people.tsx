import { useTranslation } from 'react-i18next'
import type { Community } from '@/api/communities'
import { Person } from '@/parts/person'
import { Time } from '@/parts/time'
import { Card } from '@/ui/card'

/** Who looks after a community, and since when there is one. */
export function AboutPeople({ community }: { community: Community }) {
  const { t } = useTranslation('posts')
  return (
    <Card className="grid content-start gap-4">
      <h3 className="text-lg font-semibold">{t('about.people')}</h3>
      <dl className="grid gap-4">
        <div className="grid gap-1">
          <dt className="text-sm text-muted-foreground">{t('about.owner')}</dt>
          <dd>
            <Person did={community.owner} handle={community.ownerHandle} />
          </dd>
        </div>
        <div className="grid gap-1">
          <dt className="text-sm text-muted-foreground">{t('about.moderators')}</dt>
          {community.moderators.length === 0 && <dd>{t('about.noModerators')}</dd>}
          {community.moderators.map((did) => (
            <dd key={did}>
              <Person did={did} handle={community.moderatorHandles?.[did]} />
            </dd>
          ))}
        </div>
        <div className="grid gap-1">
          <dt className="text-sm text-muted-foreground">{t('about.since')}</dt>
          <dd>
            <Time at={community.createdAt} full />
          </dd>
        </div>
      </dl>
    </Card>
  )
}

import { Link } from '@tanstack/react-router'
import { MessageSquare, Users } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import type { Community } from '@/api/communities'
import { Badge } from '@/ui/badge'
import { Skeleton } from '@/ui/skeleton'

const GRID = 'grid gap-3 sm:grid-cols-2'

export function CommunityList({ communities, label }: { communities: Community[]; label: string }) {
  return (
    <ul aria-label={label} className={GRID}>
      {communities.map((community) => (
        <CommunityCard key={community.uri} community={community} />
      ))}
    </ul>
  )
}

/** As large as the cards that will come. */
export function CommunityListSkeleton({ cards = 4 }: { cards?: number }) {
  const { t } = useTranslation()
  return (
    <div role="status" className={GRID}>
      <span className="sr-only">{t('loading')}</span>
      {Array.from({ length: cards }, (_, card) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike
        <Skeleton key={card} className="h-40 rounded-2xl" />
      ))}
    </div>
  )
}

/** The whole card leads there; its name is the link that ears and the keyboard have. */
function CommunityCard({ community }: { community: Community }) {
  const { t } = useTranslation(['communities', 'common'])
  const { id, name, description, stage, role, memberCount, postCount } = community
  return (
    <li className="relative grid min-h-40 grid-rows-[auto_1fr_auto] gap-2 rounded-2xl border bg-card p-5 transition-colors hover:border-primary has-[a:focus-visible]:outline-2 has-[a:focus-visible]:outline-ring">
      <div className="flex items-start justify-between gap-3">
        <h3 className="min-w-0 text-lg font-semibold">
          <Link
            to="/communities/$id"
            params={{ id }}
            className="line-clamp-2 outline-none after:absolute after:inset-0 after:rounded-2xl after:content-['']"
          >
            {name}
          </Link>
        </h3>
        {role && <Badge kind="accent">{t(`common:role.${role}`)}</Badge>}
      </div>
      <p className="line-clamp-2 text-sm text-muted-foreground">{description}</p>
      <div className="flex flex-wrap items-center gap-x-4 gap-y-1 text-sm text-muted-foreground [&_svg]:size-4">
        <Badge>{t(`common:stage.${stage}`)}</Badge>
        <span className="flex items-center gap-1.5">
          <Users aria-hidden />
          {t('members', { count: memberCount })}
        </span>
        <span className="flex items-center gap-1.5">
          <MessageSquare aria-hidden />
          {t('posts', { count: postCount })}
        </span>
      </div>
    </li>
  )
}

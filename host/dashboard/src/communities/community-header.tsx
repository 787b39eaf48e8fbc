import { useParams } from '@tanstack/react-router'
import { WifiOff } from 'lucide-react'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import type { Community } from '@/api/communities'
import type { Connection } from '@/api/live'
import { Copy } from '@/parts/copy'
import { Clamped } from '@/posts/clamped'
import { Badge } from '@/ui/badge'
import { CommunityTabs } from './community-tabs'
import { StandingCard } from './standing-card'

/** Who a community is, what the reader is in it, and the ways to its pages. */
export function CommunityHeader({ community, connection }: { community: Community; connection: Connection }) {
  const { t } = useTranslation(['posts', 'common'])
  const { id } = useParams({ from: '/_in/communities/$id' })
  return (
    <header className="mb-8 grid gap-5">
      <div className="grid items-start gap-5 lg:grid-cols-[minmax(0,1fr)_19rem] lg:gap-8">
        <div className="grid min-w-0 gap-4">
          <h1 className="text-3xl font-semibold sm:text-4xl">{community.name}</h1>
          {community.description && (
            <Clamped cut="line-clamp-2 sm:line-clamp-4" className="-mt-2 max-w-prose [--behind:var(--background)]">
              {community.description}
            </Clamped>
          )}
          <p className="flex flex-wrap items-center gap-x-2 gap-y-1 text-sm text-muted-foreground">
            <Badge kind="accent">{t(`common:stage.${community.stage}`)}</Badge>
            {t(`common:stageHint.${community.stage}`)}
          </p>
          <p className="flex flex-wrap gap-x-4 text-sm tabular-nums">
            <span>{t('header.members', { count: community.memberCount })}</span>
            <span>{t('header.posts', { count: community.postCount })}</span>
          </p>
          <dl className="grid grid-cols-[auto_minmax(0,1fr)] items-center gap-x-4 gap-y-2 text-sm">
            <Fact name={t('header.hashtag')}>
              <Copy text={community.hashtag} label={t('header.copyHashtag')}>
                <span className="truncate font-mono text-[0.9em]">{community.hashtag}</span>
              </Copy>
            </Fact>
            <Fact name={t('header.feed')}>
              <Copy text={community.feed} label={t('header.copyFeed')}>
                <span className="max-w-[min(26rem,45vw)] truncate font-mono text-[0.9em]">{community.feed}</span>
              </Copy>
            </Fact>
          </dl>
          {community.sharedHashtag && <p className="max-w-prose text-sm text-muted-foreground">{t('header.shared')}</p>}
        </div>
        <StandingCard id={id} community={community} />
      </div>
      <div className="flex flex-col-reverse gap-1 border-b lg:flex-row lg:items-center">
        <CommunityTabs community={community} />
        <LiveState connection={connection} />
      </div>
    </header>
  )
}

/** Something that is taken along to another app. */
function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-muted-foreground">{name}</dt>
      <dd className="min-w-0">{children}</dd>
    </>
  )
}

/** Whether changes are seen as they happen. Only a connection that is lost speaks up; its room is always there. */
function LiveState({ connection }: { connection: Connection }) {
  const { t } = useTranslation()
  const lost = connection === 'lost'
  return (
    <div className="flex h-6 shrink-0 items-center text-xs text-muted-foreground lg:ml-auto lg:w-72 lg:justify-end">
      {!lost && (
        <span key={connection} className="flex items-center gap-1.5">
          <span
            aria-hidden
            className={connection === 'open' ? 'size-2 rounded-full bg-primary' : 'size-2 rounded-full border border-input'}
          />
          {t(`connection.${connection}`)}
        </span>
      )}
      <span role="status">
        {lost && (
          <Badge kind="warning">
            <WifiOff aria-hidden />
            {t('connection.lost')}
          </Badge>
        )}
      </span>
    </div>
  )
}

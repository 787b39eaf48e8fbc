import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { type Community, statsQuery } from '@/api/communities'
import { ProblemCard } from '@/parts/problem'
import { Card } from '@/ui/card'
import { Skeleton } from '@/ui/skeleton'
import { CHART_HEIGHT, WeekChart, WeekTable } from './week-chart'

/** The week in numbers. Their room is there before they are. */
export function AboutWeek({ id, community }: { id: string; community: Community }) {
  const { t, i18n } = useTranslation('posts')
  const query = useQuery(statsQuery(id))
  const stats = query.data
  const counts = [
    { name: 'members', count: stats?.memberCount ?? community.memberCount },
    { name: 'posts', count: stats?.postCount ?? community.postCount },
    { name: 'authors', count: stats?.authorCount },
    { name: 'held', count: stats?.heldCount },
  ] as const
  if (query.isError && !stats) return <ProblemCard cause={query.error} retry={() => void query.refetch()} />
  return (
    <Card className="grid gap-6">
      <h3 className="text-lg font-semibold">{t('about.week')}</h3>
      <dl className="grid grid-cols-2 gap-x-6 gap-y-4 sm:grid-cols-4">
        {counts.map(({ name, count }) => (
          <div key={name} className="flex flex-col-reverse justify-end">
            <dt className="text-sm text-muted-foreground">{t(`about.counts.${name}`)}</dt>
            <dd className="h-9 font-display text-3xl/9 font-semibold tabular-nums">
              {count === undefined ? <Skeleton className="h-9 w-12" /> : new Intl.NumberFormat(i18n.language).format(count)}
            </dd>
          </div>
        ))}
      </dl>
      <p className="max-w-prose text-sm text-muted-foreground">{t('about.heldHint')}</p>
      <div className="grid gap-3">
        {stats ? <WeekChart days={stats.days} /> : <Skeleton className={CHART_HEIGHT} />}
        <p className="text-xs text-muted-foreground">{t('about.utc')}</p>
      </div>
      {stats ? <WeekTable days={stats.days} /> : <div className="h-6" />}
    </Card>
  )
}

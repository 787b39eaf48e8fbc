import type { UseQueryResult } from '@tanstack/react-query'
import { ChevronRight } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import type { HostLimits } from '@/api/operator'
import { ProblemCard } from '@/parts/problem'
import { SkeletonRows } from '@/ui/skeleton'
import { useNumbers } from './operator-numbers'

/** All bounds of the host, for who wants to see them. */
export function Limits({ query: { data, error, refetch } }: { query: UseQueryResult<HostLimits> }) {
  const { t } = useTranslation('operator')
  return (
    <details className="group rounded-2xl border bg-card">
      <summary className="flex cursor-pointer list-none items-center gap-2 rounded-2xl p-5 [&::-webkit-details-marker]:hidden">
        <ChevronRight aria-hidden className="size-5 shrink-0 transition-transform group-open:rotate-90" />
        <h2 className="text-lg font-semibold">{t('limits.title')}</h2>
      </summary>
      <div className="grid gap-4 px-5 pb-5">
        <p className="text-sm text-muted-foreground">{t('limits.hint')}</p>
        {data ? (
          <All limits={data} />
        ) : error ? (
          <ProblemCard cause={error} retry={() => void refetch()} />
        ) : (
          <SkeletonRows rows={8} className="h-5" />
        )}
      </div>
    </details>
  )
}

const COUNTS = [
  'communitiesTotal',
  'communitiesPerOwner',
  'postsPerMember',
  'heldPerAuthor',
  'heldPerHashtag',
  'heldTotal',
  'queueLimit',
  'liveInstances',
  'apiRequestsPerHour',
  'feedRequestsPerHour',
] as const

function All({ limits }: { limits: HostLimits }) {
  const { t } = useTranslation('operator')
  const numbers = useNumbers()
  const { mixes } = limits
  const all: [string, string][] = [
    ...COUNTS.map((name): [string, string] => [t(`limits.${name}`), numbers.count(limits[name])]),
    [t('limits.mixUploads'), t(`limits.uploads.${limits.mixUploads}`)],
    [t('limits.mixesTotalBytes'), numbers.bytes(limits.mixesTotalBytes)],
    [t('limits.versions'), numbers.count(mixes.versions)],
    [t('limits.ownerBytes'), numbers.bytes(mixes.ownerBytes)],
    [t('limits.largestBytes'), numbers.bytes(mixes.largestBytes)],
    [t('limits.checking'), numbers.count(mixes.checking)],
    [t('limits.perHour'), numbers.count(mixes.perHour)],
    [t('limits.fuel'), numbers.count(mixes.fuel)],
    [t('limits.milliseconds'), numbers.milliseconds(mixes.milliseconds)],
    [t('limits.memoryKib'), numbers.bytes(mixes.memoryKib * 1024)],
  ]
  return (
    <dl className="grid gap-x-10 text-sm md:grid-cols-2">
      {all.map(([name, value]) => (
        <div key={name} className="flex items-baseline justify-between gap-4 border-b py-2">
          <dt className="text-muted-foreground">{name}</dt>
          <dd className="text-right font-medium tabular-nums">{value}</dd>
        </div>
      ))}
    </dl>
  )
}

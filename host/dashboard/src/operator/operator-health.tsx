import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import type { HostLimits, HostStatus } from '@/api/operator'
import { Card } from '@/ui/card'
import { classes } from '@/ui/classes'
import { Skeleton } from '@/ui/skeleton'
import { type Level, LevelBadge, levels, SIGN } from './operator-level'
import { useNumbers } from './operator-numbers'

/** How the host is, in one sentence and in numbers. Everything has its place before it is known. */
export function Health({ status, limits }: { status?: HostStatus; limits?: HostLimits }) {
  const { t } = useTranslation('operator')
  const numbers = useNumbers()
  const level = status && levels(status, limits)
  const full = status && limits && status.queueDepth >= limits.queueLimit
  const count = (value: number | undefined) => (value === undefined ? undefined : numbers.count(value))
  const lag = status && (typeof status.lagSeconds === 'number' ? numbers.duration(status.lagSeconds) : t('number.lagUnknown'))
  const link = (
    <a href="#letters" className="text-primary underline underline-offset-4">
      {t('number.lettersLink')}
    </a>
  )
  return (
    <section aria-labelledby="health" aria-busy={!status} className="grid gap-3">
      <h2 id="health" className="sr-only">
        {t('health.title')}
      </h2>
      <Verdict status={status} level={level?.all} />
      <dl className="grid grid-cols-2 gap-3 lg:grid-cols-12">
        <Tile judged name={t('number.lag')} value={lag} level={level?.lag} hint={t('number.lagHint')} className="max-lg:col-span-2" />
        <Tile
          judged
          name={t('number.queue')}
          value={count(status?.queueDepth)}
          level={level?.queue}
          hint={full ? t('number.queueFull') : limits && t('number.queueHint', { limit: numbers.count(limits.queueLimit) })}
        />
        <Tile
          judged
          name={t('number.letters')}
          value={count(status?.deadLetters)}
          level={level?.letters}
          hint={
            <>
              {t('number.lettersHint')} {status && status.deadLetters > 0 && link}
            </>
          }
        />
        <Tile name={t('number.retries')} value={count(status?.retries)} hint={t('number.retriesHint')} />
        <Tile name={t('number.repos')} value={count(status?.reposToRead)} hint={t('number.reposHint')} />
        <Tile
          name={t('number.communities')}
          value={count(status?.communities)}
          hint={limits && t('number.communitiesHint', { limit: numbers.count(limits.communitiesTotal) })}
        />
        <Tile name={t('number.sessions')} value={count(status?.sessions)} hint={t('number.sessionsHint')} />
      </dl>
      <Mixes mixes={status?.mixes} limit={limits?.mixesTotalBytes} />
    </section>
  )
}

const LOOK: Record<Level, string> = {
  good: 'bg-accent text-accent-foreground',
  look: 'bg-warning text-warning-foreground',
  bad: 'bg-destructive text-destructive-foreground',
}

/** Ears hear of it when it changes, and not every time it is looked at. */
function Verdict({ status, level }: { status?: HostStatus; level?: Level }) {
  const { t } = useTranslation('operator')
  const Sign = level && SIGN[level]
  return (
    <div role="status" className={classes('flex gap-3 rounded-2xl p-5', level ? LOOK[level] : 'bg-muted')}>
      {Sign ? <Sign aria-hidden className="mt-0.5 size-6 shrink-0" /> : <Skeleton className="size-6" />}
      <div className="grid gap-1">
        <p className="font-display text-lg font-semibold sm:text-xl">
          {status && level ? t(status.ready ? `health.${level}` : 'health.notReady') : t('loading', { ns: 'common' })}
        </p>
        {status && !status.ready ? (
          <ul className="grid min-h-10 content-start gap-1 text-sm sm:min-h-5">
            {status.reasons.map((reason) => (
              <li key={reason.code}>{t(`reason.${reason.code}`, { seconds: reason.limitSeconds ?? 0 })}</li>
            ))}
          </ul>
        ) : (
          <p className="min-h-10 text-sm sm:min-h-5">{level && t(`health.${level}Hint`)}</p>
        )}
      </div>
    </div>
  )
}

/** One number; of some there is to be said whether it is good. */
function Tile(props: { name: string; value?: string; hint?: ReactNode; judged?: boolean; level?: Level; className?: string }) {
  const { name, value, hint, judged = false, level, className } = props
  const width = judged ? 'lg:col-span-4' : 'lg:col-span-3'
  return (
    <div className={classes('grid content-start gap-1 rounded-2xl border bg-card p-4', width, className)}>
      <dt className="text-sm text-muted-foreground">{name}</dt>
      <dd className="flex flex-col items-start gap-x-3 gap-y-1 lg:flex-row lg:items-center">
        <span className="min-h-9 text-2xl font-semibold tabular-nums">{value ?? <Skeleton className="mt-1 h-7 w-20" />}</span>
        {judged && (level ? <LevelBadge level={level} /> : <span className="h-5" />)}
      </dd>
      <dd className="min-h-8 text-xs text-muted-foreground">{hint}</dd>
    </div>
  )
}

function Mixes({ mixes, limit }: { mixes?: HostStatus['mixes']; limit?: number }) {
  const { t } = useTranslation('operator')
  const numbers = useNumbers()
  const bytes = numbers.bytes(mixes?.bytes ?? 0)
  const all: [string, string][] = [
    [t('mixes.components'), numbers.count(mixes?.components ?? 0)],
    [t('mixes.bytes'), limit === undefined ? bytes : t('mixes.bytesOf', { bytes, limit: numbers.bytes(limit) })],
    [t('mixes.versions'), numbers.count(mixes?.versions ?? 0)],
    [t('mixes.active'), numbers.count(mixes?.active ?? 0)],
    [t('mixes.switchedOff'), numbers.count(mixes?.switchedOff ?? 0)],
    [t('mixes.checking'), numbers.count(mixes?.checking ?? 0)],
  ]
  return (
    <Card className="grid gap-3">
      <h3 className="text-lg font-semibold">{t('mixes.title')}</h3>
      <dl className="grid grid-cols-2 gap-x-6 gap-y-3 sm:grid-cols-3">
        {all.map(([name, value]) => (
          <div key={name}>
            <dt className="text-sm text-muted-foreground">{name}</dt>
            <dd className="flex h-6 items-center font-semibold tabular-nums">{mixes ? value : <Skeleton className="h-4 w-16" />}</dd>
          </div>
        ))}
      </dl>
    </Card>
  )
}

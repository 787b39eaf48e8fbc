import { Link } from '@tanstack/react-router'
import { TriangleAlert } from 'lucide-react'
import type { ReactNode, RefObject } from 'react'
import { useTranslation } from 'react-i18next'
import type { Mix } from '@/api/mixes'
import { Time } from '@/parts/time'
import { Button } from '@/ui/button'
import { Card } from '@/ui/card'
import { useMakeActive } from './mix-active'
import { capital } from './mix-text'

type Props = { id: string; mix: Mix; heading: RefObject<HTMLHeadingElement | null> }

/** What makes the feed at this moment, and the ways back. */
export function MixNow({ id, mix, heading }: Props) {
  const { t } = useTranslation('mixes')
  // The button that was pressed may be gone then.
  const make = useMakeActive(id, () => heading.current?.focus({ preventScroll: true }))
  const active = mix.active ?? null
  const version = mix.versions.find(({ number }) => number === active)
  const back = mix.before?.version
  return (
    <Card className="grid gap-4">
      <div className="grid gap-1">
        <h2 ref={heading} tabIndex={-1} className="text-sm font-medium text-muted-foreground font-sans outline-none">
          {t('now.title')}
        </h2>
        <div role="status" className="grid gap-1">
          <p className="font-display text-2xl leading-tight font-semibold text-balance">
            {t(`now.${mix.madeBy}`, { number: active ?? 0 })}
          </p>
          <p className="max-w-3xl text-sm text-muted-foreground">
            {t(`now.hint.${mix.madeBy}`)}{' '}
            {mix.madeBy === 'default' && (
              <Link to="/communities/$id/settings" params={{ id }} className="text-primary underline underline-offset-4">
                {t('now.shares')}
              </Link>
            )}
          </p>
        </div>
        <Facts mix={mix} name={version?.name} />
      </div>
      {mix.switchedOff && (
        <div className="flex gap-3 rounded-lg bg-warning p-3 text-sm text-warning-foreground">
          <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0" />
          <div>
            <p className="font-medium">{t('now.switchedOff')}</p>
            <p lang="en">{capital(mix.switchedOff)}.</p>
          </div>
        </div>
      )}
      <div className="flex flex-wrap gap-2 empty:hidden">
        {mix.madeBy === 'paused' && active !== null && mix.mayUpload && (
          <Button kind="secondary" busy={make.isPending} onClick={() => make.mutate({ to: active })}>
            {t('now.askNow')}
          </Button>
        )}
        {typeof back === 'number' && mix.mayUpload && (
          <Button kind="secondary" busy={make.isPending} onClick={() => make.mutate({ to: back, from: active, back: true })}>
            {t('now.rollBack', { number: back })}
          </Button>
        )}
        {active !== null && (
          <Button kind="secondary" busy={make.isPending} onClick={() => make.mutate({ to: null, from: active })}>
            {t('now.toDefault')}
          </Button>
        )}
      </div>
    </Card>
  )
}

function Facts({ mix, name }: { mix: Mix; name?: string }) {
  const { t } = useTranslation('mixes')
  const facts: ReactNode[] = []
  if (name) facts.push(<span key="name">{t('named', { name })}</span>)
  if (mix.since) {
    facts.push(
      <span key="since">
        {t('now.since')} <Time at={mix.since} full />
      </span>,
    )
  }
  if (mix.pausedUntil && Date.parse(mix.pausedUntil) > Date.now()) {
    facts.push(
      <span key="again">
        {t('now.again')} <Time at={mix.pausedUntil} />
      </span>,
    )
  }
  if (facts.length === 0) return null
  return <p className="flex flex-wrap gap-x-4 gap-y-1 text-sm">{facts}</p>
}

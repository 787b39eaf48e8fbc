import { Link } from '@tanstack/react-router'
import { Check, Eye, Trash2 } from 'lucide-react'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import type { Mix, MixVersion } from '@/api/mixes'
import { Person } from '@/parts/person'
import { Time } from '@/parts/time'
import { Badge } from '@/ui/badge'
import { Button } from '@/ui/button'
import { Card } from '@/ui/card'
import { Spinner } from '@/ui/spinner'
import { MixMeasures } from './mix-measures'
import { bytes, capital } from './mix-text'

type Props = { id: string; mix: Mix; version: MixVersion; busy: boolean; onActivate: () => void; onRemove: () => void }

/** A version, what is known of it, and what can be done with it. */
export function MixVersionCard({ id, mix, version, busy, onActivate, onRemove }: Props) {
  const { t, i18n } = useTranslation('mixes')
  const { number, profile, state } = version
  const active = mix.active === number
  return (
    <Card className="grid gap-4">
      <div className="grid gap-1">
        <h3 className="flex flex-wrap items-center gap-x-3 gap-y-1 font-sans">
          <span className="text-base font-semibold">{t('version', { number })}</span>
          <span role="status" className="contents">
            <State state={state} active={active} />
          </span>
          <span className="min-w-0 font-normal text-muted-foreground">{t('named', { name: version.name })}</span>
        </h3>
        <p className="flex flex-wrap gap-x-3 gap-y-1 text-sm text-muted-foreground">
          {version.language && <span>{version.language}</span>}
          <span>{bytes(version.size, i18n.language)}</span>
          <Time at={version.uploadedAt} />
          <span>
            {t('versions.by')} <Person did={version.uploader} handle={version.uploaderHandle} />
          </span>
        </p>
      </div>
      {state === 'checking' && <p className="text-sm text-muted-foreground">{t('upload.checkingHint')}</p>}
      {version.refusal && (
        <p lang="en" className="rounded-lg bg-muted p-3 text-sm">
          {capital(version.refusal)}
        </p>
      )}
      {profile && <MixMeasures taken={profile} quotas={mix.quotas} />}
      {profile && (profile.asksWhoReads || profile.canAskWhoReads) && (
        <p className="flex items-start gap-2 text-sm text-muted-foreground">
          <Eye aria-hidden className="mt-0.5 size-4 shrink-0" />
          <span>
            <span className="font-medium text-foreground">{t(profile.asksWhoReads ? 'versions.asks' : 'versions.canAsk')}</span>{' '}
            {t(profile.asksWhoReads ? 'versions.asksHint' : 'versions.canAskHint')}
          </span>
        </p>
      )}
      <div className="flex flex-wrap gap-2">
        {state === 'ready' && (
          <>
            <Button asChild kind="secondary" size="small">
              <Link to="/communities/$id/mix" params={{ id }} search={{ preview: number }} aria-label={named(t('versions.preview'))}>
                {t('versions.preview')}
              </Link>
            </Button>
            {(active || mix.mayUpload) && (
              // The same button before and after, so that the focus stays.
              <Button
                kind={active ? 'ghost' : 'secondary'}
                size="small"
                aria-disabled={active}
                busy={busy && !active}
                onClick={active ? undefined : onActivate}
                aria-label={named(t(active ? 'versions.active' : 'versions.activate'))}
              >
                {active && <Check aria-hidden />}
                {t(active ? 'versions.active' : 'versions.activate')}
              </Button>
            )}
          </>
        )}
        {!active && (
          <Button kind="ghost" size="small" className="ml-auto" onClick={onRemove} aria-label={named(t('versions.remove'))}>
            <Trash2 aria-hidden />
            {t('versions.remove')}
          </Button>
        )}
      </div>
    </Card>
  )

  /** What a button does, and to which version: for ears there is no card around it. */
  function named(deed: string): string {
    return `${deed}: ${t('version', { number })}`
  }
}

function State({ state, active }: { state: MixVersion['state']; active: boolean }): ReactNode {
  const { t } = useTranslation('mixes')
  if (active) return <Badge kind="accent">{t('versions.active')}</Badge>
  if (state === 'refused') return <Badge kind="destructive">{t('versions.refused')}</Badge>
  if (state === 'ready') return <Badge>{t('versions.ready')}</Badge>
  return (
    <Badge kind="warning">
      <Spinner />
      {t('versions.checking')}
    </Badge>
  )
}

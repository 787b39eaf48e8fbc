import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import type { Mix } from '@/api/mixes'
import { Card } from '@/ui/card'
import { Bar } from './mix-measures'
import { bytes, kib, large, milliseconds, part } from './mix-text'

/** What there may be of mixes, and how much of that there is. */
export function MixQuotas({ mix: { usage, quotas } }: { mix: Mix }) {
  const { t, i18n } = useTranslation('mixes')
  const language = i18n.language
  const number = new Intl.NumberFormat(language).format
  return (
    <Card className="grid content-start gap-4 text-sm">
      <h2 className="text-xl font-semibold">{t('quota.title')}</h2>
      <dl className="grid gap-4">
        <Entry name={t('quota.versions')} bar={part(usage.versions, quotas.versions)} hint={t('quota.refusedHint')}>
          {t('quota.used', { used: number(usage.versions), most: number(quotas.versions) })}
        </Entry>
        <Entry name={t('quota.bytes')} bar={part(usage.ownerBytes, quotas.ownerBytes)}>
          {t('quota.used', { used: bytes(usage.ownerBytes, language), most: bytes(quotas.ownerBytes, language) })}
        </Entry>
        <Entry name={t('quota.checking')} bar={part(usage.checking, quotas.checking)}>
          {t('quota.used', { used: number(usage.checking), most: number(quotas.checking) })}
        </Entry>
        <Entry name={t('quota.hour')}>{t('quota.perHour', { count: quotas.perHour })}</Entry>
        <Entry name={t('quota.call')}>
          <span className="grid justify-items-end">
            <span>{t('quota.fuel', { fuel: large(quotas.fuel, language) })}</span>
            <span>{t('quota.memory', { memory: kib(quotas.memoryKib, language) })}</span>
            <span>{milliseconds(quotas.milliseconds, language)}</span>
          </span>
        </Entry>
      </dl>
    </Card>
  )
}

function Entry({ name, bar, hint, children }: { name: string; bar?: number; hint?: string; children: ReactNode }) {
  return (
    <div className="grid grid-cols-[minmax(0,1fr)_auto] gap-x-4 gap-y-1">
      <dt className="text-muted-foreground">{name}</dt>
      <dd className="text-right whitespace-nowrap tabular-nums">{children}</dd>
      {bar !== undefined && (
        <dd className="col-span-2 grid gap-1">
          <Bar part={bar} />
          {hint && <span className="text-xs text-muted-foreground">{hint}</span>}
        </dd>
      )}
    </div>
  )
}

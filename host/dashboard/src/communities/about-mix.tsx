import { useTranslation } from 'react-i18next'
import type { Community } from '@/api/communities'
import { Card } from '@/ui/card'

const SOURCES = [
  { name: 'own', look: 'bg-own' },
  { name: 'parent', look: 'bg-parent' },
  { name: 'global', look: 'bg-global' },
] as const

/** Of what a community's feed is made, as a bar and in words. */
export function AboutMix({ community }: { community: Community }) {
  const { t, i18n } = useTranslation(['posts', 'common'])
  const percent = new Intl.NumberFormat(i18n.language, { style: 'percent' })
  return (
    <Card className="grid content-start gap-4">
      <h3 className="text-lg font-semibold">{t('about.mix')}</h3>
      <div aria-hidden className="flex h-4 gap-0.5 overflow-hidden rounded-full bg-muted">
        {SOURCES.map(({ name, look }) => (
          <span key={name} className={look} style={{ width: `${community.feedMix[name] * 100}%` }} />
        ))}
      </div>
      <dl className="grid gap-1.5 text-sm">
        {SOURCES.map(({ name, look }) => (
          <div key={name} className="flex items-center gap-2">
            <span aria-hidden className={`size-3 shrink-0 rounded-sm ${look}`} />
            <dt>{t(`common:source.${name}`)}</dt>
            <dd className="ml-auto font-medium tabular-nums">{percent.format(community.feedMix[name])}</dd>
          </div>
        ))}
      </dl>
      <p className="text-sm text-muted-foreground">
        {t(community.stage === 'graduated' && community.feedMix.parent > 0 ? 'about.graduated' : 'about.mixHint')}
      </p>
    </Card>
  )
}

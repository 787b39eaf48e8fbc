import { useTranslation } from 'react-i18next'
import type { Mix } from '@/api/mixes'
import { classes } from '@/ui/classes'
import { kib, large, milliseconds, part, percent } from './mix-text'

/** Of the allowed, so much is near enough to it to be looked at. */
const MUCH = 0.8

/** A share as a bar, for eyes: the number stands beside it. */
export function Bar({ part, className }: { part: number; className?: string }) {
  return (
    <span aria-hidden className={classes('block h-1.5 overflow-hidden rounded-full bg-muted', className)}>
      <span
        className={classes(
          'block h-full min-w-0.5 rounded-full',
          part < MUCH ? 'bg-primary' : 'bg-warning-foreground',
          part === 0 && 'hidden',
        )}
        style={{ width: `${part * 100}%` }}
      />
    </span>
  )
}

type Taken = { fuel: number; memoryKib: number; microseconds: number }

/** What a call took, as shares of what it may take. */
export function MixMeasures({ taken, quotas }: { taken: Taken; quotas: Mix['quotas'] }) {
  const { t, i18n } = useTranslation('mixes')
  const language = i18n.language
  const of = (used: string, most: string) => t('measure.of', { used, most })
  return (
    <dl className="grid grid-cols-1 gap-x-6 gap-y-3 sm:grid-cols-3">
      <Measure
        name={t('measure.fuel')}
        used={taken.fuel}
        most={quotas.fuel}
        words={of(large(taken.fuel, language), large(quotas.fuel, language))}
      />
      <Measure
        name={t('measure.memory')}
        used={taken.memoryKib}
        most={quotas.memoryKib}
        words={of(kib(taken.memoryKib, language), kib(quotas.memoryKib, language))}
      />
      <Measure
        name={t('measure.time')}
        used={taken.microseconds / 1_000}
        most={quotas.milliseconds}
        words={of(milliseconds(taken.microseconds / 1_000, language), milliseconds(quotas.milliseconds, language))}
      />
    </dl>
  )
}

function Measure({ name, used, most, words }: { name: string; used: number; most: number; words: string }) {
  const { i18n } = useTranslation()
  return (
    <div className="grid content-start gap-1">
      <dt className="text-xs text-muted-foreground">{name}</dt>
      <dd className="grid gap-1">
        <span className="flex flex-wrap items-baseline justify-between gap-x-2 tabular-nums">
          <span className="text-sm font-medium">{percent(used, most, i18n.language)}</span>
          <span className="text-xs text-muted-foreground">{words}</span>
        </span>
        <Bar part={part(used, most)} />
      </dd>
    </div>
  )
}

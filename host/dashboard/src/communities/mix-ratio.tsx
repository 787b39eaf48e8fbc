import { useId, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { classes } from '@/ui/classes'
import { MixPicture, SourceMark } from './mix-picture'
import { moved, type Shares, SOURCES, type Source, sameShares } from './mix-shares'

/** Chooses how a feed is shared among its sources. The three always sum to 100 %. */
export function MixRatio(props: {
  shares: Shares
  /** Why the parent gives nothing, if it doesn't. */
  withheld: 'graduated' | 'alone' | undefined
  onChange: (shares: Shares) => void
}) {
  const { shares, withheld, onChange } = props
  const { t } = useTranslation('communities')
  // While one slider moves to and fro, the others keep the proportion that they had before.
  const gesture = useRef<{ source: Source; before: Shares; after: Shares }>(undefined)
  const move = (source: Source, value: number) => {
    const goesOn = gesture.current?.source === source && sameShares(gesture.current.after, shares)
    const before = goesOn && gesture.current ? gesture.current.before : shares
    const after = moved(before, source, value, !withheld)
    gesture.current = { source, before, after }
    onChange(after)
  }
  return (
    <fieldset className="grid gap-4">
      <legend className="mb-1 text-sm font-medium">{t('mix.title')}</legend>
      <p className="text-sm text-muted-foreground">{t('mix.hint')}</p>
      <div className="grid gap-x-8 gap-y-4 sm:grid-cols-3">
        {SOURCES.map((source) => (
          <Share
            key={source}
            source={source}
            value={shares[source]}
            withheld={source === 'parent' ? withheld : undefined}
            onChange={(value) => move(source, value)}
          />
        ))}
      </div>
      <MixPicture shares={shares} />
    </fieldset>
  )
}

function Share(props: { source: Source; value: number; withheld: 'graduated' | 'alone' | undefined; onChange: (value: number) => void }) {
  const { source, value, withheld, onChange } = props
  const { t, i18n } = useTranslation(['communities', 'common'])
  const id = useId()
  const percent = new Intl.NumberFormat(i18n.language, { style: 'percent' }).format(value / 100)
  const colour = { own: 'accent-own', parent: 'accent-parent', global: 'accent-global' }[source]
  const hint = withheld ? t(withheld === 'graduated' ? 'mix.parentGraduated' : 'mix.parentAlone') : t(`mix.${source}`)
  return (
    <div className="grid content-start gap-1">
      <div className="flex items-center justify-between gap-2 text-sm">
        <label htmlFor={id} className="flex items-center gap-2 font-medium">
          <SourceMark source={source} />
          {t(`common:source.${source}`)}
        </label>
        <output htmlFor={id} className="tabular-nums" aria-live="off">
          {percent}
        </output>
      </div>
      <input
        id={id}
        type="range"
        min={0}
        max={100}
        step={1}
        value={value}
        disabled={withheld !== undefined}
        onChange={(event) => onChange(event.target.valueAsNumber)}
        aria-valuetext={percent}
        aria-describedby={`${id}-hint`}
        className={classes('h-7 w-full cursor-pointer disabled:cursor-not-allowed disabled:opacity-60', colour)}
      />
      <p id={`${id}-hint`} className="min-h-10 text-sm text-muted-foreground">
        {hint}
      </p>
    </div>
  )
}

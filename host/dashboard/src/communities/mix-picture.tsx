import { useTranslation } from 'react-i18next'
import { classes } from '@/ui/classes'
import { type Shares, SOURCES, type Source, sequence } from './mix-shares'

const PLACES = 20

/** Each source has a colour and a form, so that nobody needs the colours. */
const LOOK: Record<Source, string> = {
  own: 'bg-own rounded-[20%]',
  parent: 'bg-parent rounded-full',
  global: 'bg-global rotate-45 scale-[0.72] rounded-[10%]',
}

export function SourceMark({ source, className }: { source: Source; className?: string }) {
  return <span aria-hidden className={classes('inline-block size-3 shrink-0', LOOK[source], className)} />
}

/** A mix in proportion, and the places of a feed as the default mix fills them. */
export function MixPicture({ shares }: { shares: Shares }) {
  const { t, i18n } = useTranslation(['communities', 'common'])
  const places = sequence(shares, PLACES)
  const present = SOURCES.filter((source) => shares[source] > 0)
  const count = (source: Source) => places.filter((place) => place === source).length
  const said = present.map((source) => t('mix.places', { source: t(`common:source.${source}`), places: count(source), count: PLACES }))
  return (
    <figure className="grid gap-3 rounded-xl bg-muted p-4">
      <figcaption className="text-sm">
        <span className="font-medium">{t('mix.picture')}</span>
        <span className="block text-muted-foreground">{t('mix.pictureHint', { count: PLACES })}</span>
      </figcaption>
      <div role="img" aria-label={new Intl.ListFormat(i18n.language, { type: 'unit' }).format(said)} className="grid gap-3">
        <div className="flex h-3 gap-0.5 overflow-hidden rounded-full">
          {present.map((source) => (
            <span
              key={source}
              className={classes(
                'min-w-1 transition-[flex-grow] duration-150',
                { own: 'bg-own', parent: 'bg-parent', global: 'bg-global' }[source],
              )}
              style={{ flexGrow: shares[source], flexBasis: 0 }}
            />
          ))}
        </div>
        <div className="grid grid-cols-10 gap-1.5 sm:grid-cols-20">
          {places.map((source, place) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a place is its number
            <span key={place} className={classes('aspect-square w-full max-w-6 justify-self-center', LOOK[source])} />
          ))}
        </div>
      </div>
    </figure>
  )
}

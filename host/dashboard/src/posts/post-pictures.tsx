import { ImageOff } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Hydrated } from '@/api/appview'
import { classes } from '@/ui/classes'

/** Labels with which an author says that pictures aren't for every eye. */
const COVER = ['porn', 'sexual', 'nudity', 'graphic-media']

export function isCovered(labels: string[]): boolean {
  return labels.some((label) => COVER.includes(label))
}

/** Up to four pictures in the room of one. */
export function Pictures({ images, covered }: { images: Hydrated['images']; covered: boolean }) {
  const { t } = useTranslation('posts')
  const [shown, setShown] = useState(!covered)
  if (!shown) {
    return (
      <button
        type="button"
        onClick={() => setShown(true)}
        className="grid size-24 shrink-0 place-content-center justify-items-center gap-1 rounded-lg bg-muted p-2 text-xs text-muted-foreground hover:text-foreground"
      >
        <ImageOff aria-hidden className="size-5" />
        {t('post.pictures')}
      </button>
    )
  }
  return (
    <ul className={classes('grid size-24 shrink-0 gap-1 overflow-hidden rounded-lg', images.length > 1 && 'grid-cols-2 grid-rows-2')}>
      {images.map(({ thumb, alt }) => (
        <li key={thumb} className={classes('min-h-0', images.length === 2 && 'row-span-2', images.length === 3 && 'first:row-span-2')}>
          <img src={thumb} alt={alt} loading="lazy" width={96} height={96} className="size-full bg-muted object-cover" />
        </li>
      ))}
    </ul>
  )
}

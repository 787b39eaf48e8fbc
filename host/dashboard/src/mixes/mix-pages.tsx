import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { MixPreview } from '@/api/mixes'
import { Card } from '@/ui/card'
import { classes } from '@/ui/classes'
import { MixChoice } from './mix-choice'
import type { Difference, Row } from './mix-compare'
import { MixPreviewPost } from './mix-preview-post'

/** Two pages of a feed side by side; on a phone one of them, and the other at a press. */
export function MixPages({ preview, difference }: { preview: MixPreview; difference: Difference }) {
  const { t } = useTranslation('mixes')
  const [shown, setShown] = useState<'now' | 'tried'>('tried')
  const { version, failure } = preview
  const by = preview.now.version ?? null
  return (
    <div className="grid gap-4">
      <MixChoice
        className="md:hidden"
        name={t('preview.which')}
        value={shown}
        onChange={setShown}
        choices={[
          ['now', t('preview.now')],
          ['tried', t('preview.tried', { number: version })],
        ]}
      />
      <div className="grid items-start gap-6 md:grid-cols-2">
        <Page
          title={t('preview.now')}
          hint={by === null ? t('preview.nowByDefault') : t('preview.nowBy', { number: by })}
          empty={t('preview.emptyNow')}
          rows={difference.now}
          // Where the page is not finished, nobody knows what would leave it.
          moves={failure ? [] : ['gone']}
          className={classes(shown !== 'now' && 'max-md:hidden')}
        />
        <Page
          title={t('preview.tried', { number: version })}
          hint={failure ? t('preview.triedFailed') : t('preview.triedPosts', { count: difference.tried.length })}
          empty={t('preview.emptyTried')}
          rows={difference.tried}
          moves={['up', 'down', 'same', 'new']}
          className={classes(shown !== 'tried' && 'max-md:hidden')}
        />
      </div>
    </div>
  )
}

type PageProps = { title: string; hint: string; empty: string; rows: Row[]; moves: Row['move']['kind'][]; className: string }

function Page({ title, hint, empty, rows, moves, className }: PageProps) {
  return (
    <Card aria-label={title} className={classes('grid min-w-0 gap-2 p-0', className)}>
      <div className="border-b px-4 py-3">
        <h3 className="text-lg font-semibold">{title}</h3>
        <p className="text-sm text-muted-foreground">{hint}</p>
      </div>
      {rows.length === 0 ? (
        <p className="px-4 py-10 text-center text-sm text-muted-foreground">{empty}</p>
      ) : (
        <ol className="divide-y px-4">
          {rows.map((row) => (
            <MixPreviewPost key={`${row.place} ${row.post.uri}`} row={row} move={moves.includes(row.move.kind) ? row.move : undefined} />
          ))}
        </ol>
      )}
    </Card>
  )
}

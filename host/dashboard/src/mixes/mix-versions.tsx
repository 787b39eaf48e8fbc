import { Layers } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { keyOf } from '@/api/communities'
import { type Mix, type MixVersion, remove } from '@/api/mixes'
import { useChange } from '@/parts/change'
import { Empty } from '@/parts/empty'
import { ProblemCard, ProblemNote } from '@/parts/problem'
import { Button } from '@/ui/button'
import { Dialog, DialogButtons } from '@/ui/dialog'
import { SkeletonRows } from '@/ui/skeleton'
import { useMakeActive } from './mix-active'
import { MixVersionCard } from './mix-version'

type Query = { data?: MixVersion[]; error: Error | null; refetch: () => unknown }

/** All that was uploaded for a community, the newest first. */
export function MixVersions({ id, mix, query }: { id: string; mix: Mix; query: Query }) {
  const { t } = useTranslation('mixes')
  const heading = useRef<HTMLHeadingElement>(null)
  const [asked, setAsked] = useState<MixVersion>()
  const [gone, setGone] = useState<number>()
  const make = useMakeActive(id)
  const versions = query.data

  // The button that was pressed has gone with its version.
  useEffect(() => {
    if (gone === undefined || versions?.some(({ number }) => number === gone)) return
    if (document.activeElement === document.body) heading.current?.focus({ preventScroll: true })
    setGone(undefined)
  }, [gone, versions])

  return (
    <section className="grid gap-4">
      <div className="grid gap-1">
        <h2 ref={heading} tabIndex={-1} className="text-xl font-semibold outline-none">
          {t('versions.title')}
        </h2>
        <p className="max-w-prose text-sm text-muted-foreground">{t('versions.hint')}</p>
      </div>
      {query.error && !versions && <ProblemCard cause={query.error} retry={() => void query.refetch()} />}
      {!query.error && !versions && <SkeletonRows rows={Math.min(mix.versions.length || 1, 5)} className="h-44" />}
      {versions?.length === 0 && (
        <Empty icon={<Layers aria-hidden />} title={t('versions.empty')}>
          <p>{t('versions.emptyHint')}</p>
        </Empty>
      )}
      {versions && versions.length > 0 && (
        <ul className="grid gap-3">
          {versions.map((version) => (
            <li key={version.number}>
              <MixVersionCard
                id={id}
                mix={mix}
                version={version}
                busy={make.isPending}
                onActivate={() => make.mutate({ to: version.number, from: mix.active ?? null })}
                onRemove={() => setAsked(version)}
              />
            </li>
          ))}
        </ul>
      )}
      {asked && <Removal id={id} version={asked} close={() => setAsked(undefined)} after={() => setGone(asked.number)} />}
    </section>
  )
}

function Removal({ id, version, close, after }: { id: string; version: MixVersion; close: () => void; after: () => void }) {
  const { t } = useTranslation(['mixes', 'common'])
  const { number, name } = version
  const change = useChange(() => remove(id, number), {
    said: t('said.removed', { number }),
    concerns: [[...keyOf(id), 'mix']],
    quiet: true,
    after: () => {
      after()
      close()
    },
  })
  return (
    <Dialog
      open
      onOpenChange={(open) => open || close()}
      title={t('versions.removeTitle', { number })}
      description={t('versions.removeHint', { name })}
    >
      <ProblemNote cause={change.error} />
      <DialogButtons>
        <Button kind="secondary" onClick={close}>
          {t('common:cancel')}
        </Button>
        <Button kind="destructive" busy={change.isPending} onClick={() => change.mutate(undefined)}>
          {t('versions.remove')}
        </Button>
      </DialogButtons>
    </Dialog>
  )
}

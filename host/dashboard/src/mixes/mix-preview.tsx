import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { ArrowLeft, CircleX, RefreshCw } from 'lucide-react'
import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { type Mix, type MixPreview, previewQuery } from '@/api/mixes'
import { ProblemCard } from '@/parts/problem'
import { Button } from '@/ui/button'
import { Card } from '@/ui/card'
import { Skeleton } from '@/ui/skeleton'
import { useMakeActive } from './mix-active'
import { compare, type Difference } from './mix-compare'
import { MixMeasures } from './mix-measures'
import { MixPages } from './mix-pages'
import { capital } from './mix-text'

/** What a version would make of the feed, beside what is shown now. */
export function MixPreviewView({ id, mix, number }: { id: string; mix: Mix; number: number }) {
  const { t } = useTranslation('mixes')
  const navigate = useNavigate()
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => heading.current?.focus(), [])
  const version = mix.versions.find((each) => each.number === number)
  const make = useMakeActive(id, () => void navigate({ to: '/communities/$id/mix', params: { id }, search: {} }))
  // It is made anew when somebody wants that, not under the eyes of who reads it.
  const { data, error, isFetching, refetch } = useQuery({ ...previewQuery(id, number), refetchOnWindowFocus: false })
  return (
    <section className="grid gap-6" aria-busy={isFetching}>
      <div className="grid gap-3">
        <Button asChild kind="link" size="tight" className="justify-self-start">
          <Link to="/communities/$id/mix" params={{ id }} search={{}}>
            <ArrowLeft aria-hidden />
            {t('preview.back')}
          </Link>
        </Button>
        <div className="flex flex-wrap items-end justify-between gap-3">
          <div className="grid gap-1">
            <h2 ref={heading} tabIndex={-1} className="text-2xl font-semibold outline-none">
              {t('preview.title', { number })}
            </h2>
            {version && <p className="text-muted-foreground">{t('named', { name: version.name })}</p>}
          </div>
          <div className="flex flex-wrap gap-2">
            <Button kind="secondary" busy={isFetching} onClick={() => void refetch()}>
              {!isFetching && <RefreshCw aria-hidden />}
              {t('preview.again')}
            </Button>
            {mix.active !== number && mix.mayUpload && version?.state === 'ready' && (
              <Button busy={make.isPending} onClick={() => make.mutate({ to: number, from: mix.active ?? null })}>
                {t('preview.activate', { number })}
              </Button>
            )}
          </div>
        </div>
        <p className="max-w-prose text-sm text-muted-foreground">{t('preview.hint')}</p>
      </div>
      {error && !data && <ProblemCard cause={error} retry={() => void refetch()} />}
      {!error && !data && <Making />}
      {data && <Made mix={mix} preview={data} />}
    </section>
  )
}

function Making() {
  const { t } = useTranslation('mixes')
  return (
    <div className="grid gap-6">
      <p role="status" className="text-sm">
        {t('preview.making')}
      </p>
      <Skeleton className="h-32 rounded-2xl" />
      <div className="grid gap-6 md:grid-cols-2">
        <Skeleton className="h-[40rem] rounded-2xl" />
        <Skeleton className="h-[40rem] rounded-2xl max-md:hidden" />
      </div>
    </div>
  )
}

function Made({ mix, preview }: { mix: Mix; preview: MixPreview }) {
  const { t } = useTranslation('mixes')
  const difference = compare(preview.now.posts, preview.posts)
  return (
    <>
      <Card className="grid gap-4">
        {preview.failure ? (
          <div role="alert" className="grid gap-1">
            <p className="flex items-center gap-2 font-display text-lg font-semibold">
              <CircleX aria-hidden className="size-5 shrink-0 text-destructive" />
              {t('preview.failed', { number: preview.version })}
            </p>
            <p lang="en">{capital(preview.failure)}.</p>
            <p className="text-sm text-muted-foreground">{t('preview.failedHint')}</p>
          </div>
        ) : (
          <Summary difference={difference} />
        )}
        <MixMeasures taken={preview} quotas={mix.quotas} />
        <p className="text-sm text-muted-foreground">
          {t('preview.calls', { count: preview.calls })} {preview.asksWhoReads && t('preview.asks')}
        </p>
        {preview.said && <Said text={preview.said} />}
      </Card>
      <MixPages preview={preview} difference={difference} />
    </>
  )
}

/** What the mix has logged in these calls, word for word. */
function Said({ text }: { text: string }) {
  const { t } = useTranslation('mixes')
  return (
    <div className="grid gap-2">
      <h3 className="font-sans text-sm font-medium">{t('preview.said')}</h3>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      <pre tabIndex={0} className="max-h-48 overflow-auto rounded-lg bg-muted p-3 font-mono text-xs whitespace-pre-wrap">
        {text}
      </pre>
    </div>
  )
}

/** How the pages differ, in one sentence. */
function Summary({ difference: { counts, now, tried } }: { difference: Difference }) {
  const { t, i18n } = useTranslation('mixes')
  if (now.length === 0 && tried.length === 0) return null
  const kinds = (['up', 'down', 'new', 'gone', 'same'] as const).filter((kind) => counts[kind] > 0)
  const alike = kinds.every((kind) => kind === 'same')
  const parts = kinds.map((kind) => t(`preview.count.${kind}`, { count: counts[kind] }))
  const sentence = alike ? t('preview.same') : `${capital(new Intl.ListFormat(i18n.language).format(parts))}${t('preview.stop')}`
  return (
    <p role="status" className="font-display text-lg font-semibold text-balance">
      {sentence}
    </p>
  )
}

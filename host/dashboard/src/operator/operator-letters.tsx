import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { MailCheck, RotateCcw, Trash2 } from 'lucide-react'
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type CommunityLoad, type DeadLetter, dropLetter, lettersQuery, loadQuery, retryLetter, statusQuery } from '@/api/operator'
import { useChange } from '@/parts/change'
import { Empty } from '@/parts/empty'
import { More } from '@/parts/more'
import { short } from '@/parts/person'
import { ProblemCard, ProblemNote } from '@/parts/problem'
import { Time } from '@/parts/time'
import { Button } from '@/ui/button'
import { Dialog, DialogButtons } from '@/ui/dialog'
import { SkeletonRows } from '@/ui/skeleton'

/** What could not be told to communities, and what to do about it. */
export function Letters({ count }: { count?: number }) {
  const { t } = useTranslation('operator')
  const query = useInfiniteQuery(lettersQuery)
  const { data, error, refetch } = query
  // The table of loads looks anew; here its names are enough.
  const { data: loads } = useQuery({ ...loadQuery, refetchInterval: false })
  const [dropping, setDropping] = useState<DeadLetter>()
  const heading = useRef<HTMLHeadingElement>(null)
  useAnewWith(count)

  const letters = data?.pages.flatMap((page) => page.deadLetters) ?? []
  const gone = useCallback(() => heading.current?.focus(), [])
  return (
    <section aria-labelledby="letters" className="grid grid-cols-1 gap-4">
      <div className="grid gap-1">
        <h2 id="letters" ref={heading} tabIndex={-1} className="scroll-mt-20 text-2xl font-semibold outline-none">
          {t('letters.title')}
        </h2>
        <p className="max-w-prose text-sm text-muted-foreground">{t('letters.hint')}</p>
      </div>
      {letters.length > 0 ? (
        <ul aria-label={t('letters.list')} className="grid grid-cols-1 gap-3">
          {letters.map((letter) => (
            <Letter
              key={letter.id}
              letter={letter}
              name={nameOf(letter.community, loads)}
              onDrop={() => setDropping(letter)}
              onGone={gone}
            />
          ))}
        </ul>
      ) : data ? (
        <Empty icon={<MailCheck aria-hidden />} title={t('letters.empty')}>
          <p>{t('letters.emptyHint')}</p>
        </Empty>
      ) : error ? (
        <ProblemCard cause={error} retry={() => void refetch()} />
      ) : (
        <SkeletonRows rows={3} className="h-40" />
      )}
      <More query={query} />
      {dropping && <DropDialog letter={dropping} onClose={() => setDropping(undefined)} />}
    </section>
  )
}

/** Their number is looked at every few seconds; when it changes the list is read anew. */
function useAnewWith(count: number | undefined) {
  const queries = useQueryClient()
  const before = useRef(count)
  useEffect(() => {
    if (before.current !== undefined && count !== before.current) void queries.invalidateQueries({ queryKey: lettersQuery.queryKey })
    before.current = count
  }, [count, queries])
}

/** A community's name, if it is among the busy ones. */
function nameOf(uri: string, loads: CommunityLoad[] | undefined): string | undefined {
  return loads?.find(({ owner, id }) => uri === `at://${owner}/net.atrarium.community.config/${id.replace(/~[0-9a-f]{8}$/, '')}`)?.name
}

const CONCERNS = [lettersQuery.queryKey, statusQuery.queryKey]

function useSubject(letter: DeadLetter) {
  const { t } = useTranslation('operator')
  if (letter.subject === 'config') return t('letters.config')
  return letter.subject === 'alarm' ? t('letters.alarm') : letter.subject
}

function Letter({ letter, name, onDrop, onGone }: { letter: DeadLetter; name?: string; onDrop: () => void; onGone: () => void }) {
  const { t } = useTranslation('operator')
  const subject = useSubject(letter)
  const retry = useChange(() => retryLetter(letter.id), { said: t('letters.retried'), concerns: CONCERNS })
  const item = useRef<HTMLLIElement>(null)
  // The focus would be lost with it.
  useLayoutEffect(() => {
    const here = item.current
    return () => {
      if (here?.contains(document.activeElement)) onGone()
    }
  }, [onGone])
  const [, , owner = '', , rkey = ''] = letter.community.split('/')
  return (
    <li ref={item} className="grid grid-cols-1 gap-3 rounded-2xl border bg-card p-4 text-sm">
      <div className="flex flex-wrap items-baseline justify-between gap-x-4">
        <Link
          to="/communities/$id"
          params={{ id: letter.community }}
          className="min-w-0 truncate text-base font-medium underline-offset-4 hover:underline"
        >
          {name ?? `${rkey} (${short(owner)})`}
        </Link>
        <Time at={letter.since} className="text-muted-foreground" />
      </div>
      <dl className="grid gap-2 sm:grid-cols-[8rem_1fr]">
        <dt className="text-muted-foreground">{t('letters.subject')}</dt>
        <dd className={subject === letter.subject ? 'font-mono text-xs leading-5' : undefined}>{subject}</dd>
        <dt className="text-muted-foreground">{t('letters.cause')}</dt>
        <dd className="max-h-40 overflow-y-auto whitespace-pre-wrap">{letter.cause}</dd>
      </dl>
      <div className="flex flex-wrap gap-2">
        <Button
          kind="secondary"
          size="small"
          busy={retry.isPending}
          aria-label={t('letters.retryName', { subject })}
          onClick={() => retry.mutate(undefined)}
        >
          <RotateCcw aria-hidden />
          {t('letters.retry')}
        </Button>
        <Button kind="ghost" size="small" className="text-destructive" aria-label={t('letters.dropName', { subject })} onClick={onDrop}>
          <Trash2 aria-hidden />
          {t('letters.drop')}
        </Button>
      </div>
    </li>
  )
}

function DropDialog({ letter, onClose }: { letter: DeadLetter; onClose: () => void }) {
  const { t } = useTranslation('operator')
  const subject = useSubject(letter)
  const drop = useChange(() => dropLetter(letter.id), {
    said: t('letters.dropped'),
    concerns: CONCERNS,
    quiet: true,
    after: onClose,
  })
  return (
    <Dialog open onOpenChange={(open) => open || onClose()} title={t('letters.dropTitle')} description={t('letters.dropHint')}>
      <p className="rounded-lg bg-muted p-3 font-mono text-xs">{subject}</p>
      <ProblemNote cause={drop.error} />
      <DialogButtons>
        <Button kind="secondary" onClick={onClose}>
          {t('cancel', { ns: 'common' })}
        </Button>
        <Button kind="destructive" busy={drop.isPending} onClick={() => drop.mutate(undefined)}>
          {t('letters.dropConfirm')}
        </Button>
      </DialogButtons>
    </Dialog>
  )
}

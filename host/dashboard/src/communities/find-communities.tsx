import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { SearchX, Sprout } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { communitiesQuery, type Stage } from '@/api/communities'
import { Empty } from '@/parts/empty'
import { More } from '@/parts/more'
import { ProblemCard } from '@/parts/problem'
import { Button } from '@/ui/button'
import { classes } from '@/ui/classes'
import { Field, Select } from '@/ui/field'
import { CommunityList, CommunityListSkeleton } from './community-list'
import { SearchBox } from './search-box'

/** What is looked for, as it stands in the page's address. */
export type Search = { q?: string; stage?: Stage }

const STAGES = ['theme', 'community', 'graduated'] as const

export function searchOf({ q, stage }: Record<string, unknown>): Search {
  const search: Search = {}
  // A name of digits is a number in an address.
  const name = typeof q === 'string' || typeof q === 'number' ? String(q).trim().slice(0, 200) : ''
  if (name) search.q = name
  const known = STAGES.find((known) => known === stage)
  if (known) search.stage = known
  return search
}

type Props = { search: Search; onSearch: (change: Search, replace?: boolean) => void }

export function FindCommunities({ search, onSearch }: Props) {
  const { t } = useTranslation(['communities', 'common'])
  const { q, stage } = search
  // Going back leads to what was there before the search, not through every part of what was typed.
  const name = (text: string) => onSearch({ q: text || undefined }, Boolean(q && text))
  return (
    <section aria-labelledby="find" className="grid gap-4">
      <h2 id="find" className="text-xl font-semibold">
        {t('find.title')}
      </h2>
      <search className="grid gap-3 sm:grid-cols-[1fr_14rem]">
        <Field label={t('find.name')}>
          {(control) => <SearchBox {...control} value={q ?? ''} onSearch={name} placeholder={t('find.placeholder')} />}
        </Field>
        <Field label={t('find.stage')}>
          {(control) => (
            <Select
              {...control}
              value={stage ?? ''}
              onChange={(event) => onSearch({ stage: STAGES.find((one) => one === event.target.value) })}
            >
              <option value="">{t('find.anyStage')}</option>
              {STAGES.map((one) => (
                <option key={one} value={one}>
                  {t(`common:stage.${one}`)}
                </option>
              ))}
            </Select>
          )}
        </Field>
      </search>
      <Found search={search} onClear={() => onSearch({ q: undefined, stage: undefined })} />
    </section>
  )
}

function Found({ search, onClear }: { search: Search; onClear: () => void }) {
  const { t } = useTranslation('communities')
  const query = useInfiniteQuery({ ...communitiesQuery(search), placeholderData: keepPreviousData })
  const found = query.data?.pages.flatMap((page) => page.communities)
  // What another search finds are other cards: none of them slides to another place.
  const wanted = JSON.stringify(search)
  const [answered, setAnswered] = useState(wanted)
  if (!query.isPlaceholderData && answered !== wanted) setAnswered(wanted)
  if (!found) {
    return query.error ? <ProblemCard cause={query.error} retry={() => void query.refetch()} /> : <CommunityListSkeleton cards={6} />
  }
  if (found.length === 0 && !query.hasNextPage) return <Nothing searched={Boolean(search.q || search.stage)} onClear={onClear} />
  return (
    <>
      <p role="status" className="sr-only">
        {t(query.hasNextPage ? 'find.shownSome' : 'find.shown', { count: found.length })}
      </p>
      <div key={answered} aria-busy={query.isPlaceholderData} className={classes(query.isPlaceholderData && 'opacity-60')}>
        <CommunityList communities={found} label={t('find.title')} />
      </div>
      <More query={query} />
    </>
  )
}

function Nothing({ searched, onClear }: { searched: boolean; onClear: () => void }) {
  const { t } = useTranslation(['communities', 'common'])
  if (searched) {
    return (
      <Empty icon={<SearchX aria-hidden />} title={<span role="status">{t('find.nothing')}</span>}>
        <p>{t('find.nothingHint')}</p>
        <Button kind="secondary" onClick={onClear}>
          {t('find.clear')}
        </Button>
      </Empty>
    )
  }
  return (
    <Empty icon={<Sprout aria-hidden />} title={t('find.first')}>
      <p>{t('find.firstHint')}</p>
      <Button asChild>
        <Link to="/communities/new">{t('common:nav.create')}</Link>
      </Button>
    </Empty>
  )
}

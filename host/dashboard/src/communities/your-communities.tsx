import type { InfiniteData, UseInfiniteQueryResult } from '@tanstack/react-query'
import { Sprout } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { Empty } from '@/parts/empty'
import { More } from '@/parts/more'
import { ProblemCard } from '@/parts/problem'
import { Button } from '@/ui/button'
import { CommunityList, CommunityListSkeleton } from './community-list'

/** So many are shown at first, so that whoever has many still sees where others are found. */
const FEW = 6

export function YourCommunities({ query }: { query: UseInfiniteQueryResult<InfiniteData<Schemas['Communities']>> }) {
  const { t } = useTranslation('communities')
  return (
    <section aria-labelledby="yours" className="grid gap-4">
      <h2 id="yours" className="text-xl font-semibold">
        {t('yours.title')}
      </h2>
      <List query={query} />
    </section>
  )
}

function List({ query }: { query: UseInfiniteQueryResult<InfiniteData<Schemas['Communities']>> }) {
  const { t } = useTranslation('communities')
  const [all, setAll] = useState(false)
  const yours = query.data?.pages.flatMap((page) => page.communities)
  if (!yours) {
    return query.error ? <ProblemCard cause={query.error} retry={() => void query.refetch()} /> : <CommunityListSkeleton cards={2} />
  }
  if (yours.length === 0) {
    return (
      <Empty icon={<Sprout aria-hidden />} title={t('yours.none')}>
        <p>{t('yours.noneHint')}</p>
      </Empty>
    )
  }
  return (
    <>
      <CommunityList communities={all ? yours : yours.slice(0, FEW)} label={t('yours.title')} />
      {all ? (
        <More query={query} />
      ) : (
        yours.length > FEW && (
          <Button kind="secondary" className="justify-self-center" onClick={() => setAll(true)}>
            {t('yours.all')}
          </Button>
        )
      )}
    </>
  )
}

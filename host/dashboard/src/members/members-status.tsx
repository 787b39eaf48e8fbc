import { useTranslation } from 'react-i18next'
import { Button } from '@/ui/button'
import { Spinner } from '@/ui/spinner'
import type { useMembers } from './members-list'

/** How many there are, how many are shown, and how far the loading is: one line that is always there, so that nothing moves. */
export function MembersStatus({ list, found }: { list: ReturnType<typeof useMembers>; found?: number }) {
  const { t } = useTranslation('members')
  const { query, loaded, total, goesOn, limited } = list
  const stopped = goesOn && query.isFetchNextPageError
  const old = !stopped && query.isRefetchError
  const sentence = () => {
    if (!query.data) return t('loading', { ns: 'common' })
    if (stopped) return t('stopped', { loaded, total })
    if (old) return t('old')
    if (goesOn) return found === undefined ? t('progress', { loaded, total }) : t('progressFound', { shown: found, loaded, total })
    if (found === undefined) return t('all', { count: total })
    return limited ? t('someOfFirst', { shown: found, loaded, total }) : t('some', { shown: found, total })
  }
  return (
    <div className="flex min-h-10 items-center gap-3 text-sm text-muted-foreground">
      <p role="status" className="tabular-nums">
        {sentence()}
      </p>
      {goesOn && !stopped && <Spinner />}
      {(stopped || old) && (
        <Button kind="secondary" size="small" onClick={() => void (stopped ? query.fetchNextPage() : query.refetch())}>
          {t('retry', { ns: 'common' })}
        </Button>
      )}
    </div>
  )
}

import { useQuery } from '@tanstack/react-query'
import { createFileRoute } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { limitsQuery, statusQuery } from '@/api/operator'
import { Health } from '@/operator/operator-health'
import { Letters } from '@/operator/operator-letters'
import { Lift } from '@/operator/operator-lift'
import { Limits } from '@/operator/operator-limits'
import { Load } from '@/operator/operator-load'
import { PageTitle } from '@/parts/page'
import { ProblemCard } from '@/parts/problem'
import { Missing } from '@/parts/states'
import { words } from '@/words'

export const Route = createFileRoute('/_in/operator')({
  loader: () => words('operator'),
  component: Page,
})

/** For others there is no such page. */
function Page() {
  const { caller } = Route.useRouteContext()
  return caller.operator ? <Operator /> : <Missing />
}

function Operator() {
  const { t, i18n } = useTranslation('operator')
  const status = useQuery(statusQuery)
  const limits = useQuery(limitsQuery)
  const time = new Intl.DateTimeFormat(i18n.language, { timeStyle: 'medium' }).format(status.dataUpdatedAt)
  return (
    <>
      <PageTitle title={t('title')}>
        <p className="min-h-15 max-w-48 text-right sm:min-h-10 sm:max-w-none text-sm text-muted-foreground tabular-nums">
          {status.data && (
            <>
              <span className={status.isError ? 'font-medium text-destructive' : undefined}>
                {t(status.isError ? 'stale' : 'asOf', { time })}
              </span>
              <br />
              {t('version', { version: status.data.version })}
            </>
          )}
        </p>
      </PageTitle>
      <div className="grid grid-cols-1 gap-10">
        {status.error && !status.data ? (
          <ProblemCard cause={status.error} retry={() => void status.refetch()} />
        ) : (
          <Health status={status.data} limits={limits.data} />
        )}
        <Load />
        <div className="grid grid-cols-1 gap-3">
          <Lift />
          <Limits query={limits} />
        </div>
        {/* The last, since it goes on. */}
        <Letters count={status.data?.deadLetters} />
      </div>
    </>
  )
}

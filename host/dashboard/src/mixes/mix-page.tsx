import { useQuery } from '@tanstack/react-query'
import { type RefObject, useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { logQuery, type Mix, type MixLogLine, type MixVersion, mixQuery, versionsQuery } from '@/api/mixes'
import { startQuery } from '@/api/session'
import { Below } from '@/parts/below'
import { ProblemCard } from '@/parts/problem'
import { Skeleton, SkeletonRows } from '@/ui/skeleton'
import { FailureChart, FuelChart } from './mix-charts'
import { MixHelp } from './mix-help'
import { MixLog } from './mix-log'
import { MixNow } from './mix-now'
import { MixPreviewView } from './mix-preview'
import { MixQuotas } from './mix-quotas'
import { MixUpload } from './mix-upload'
import { MixVersions } from './mix-versions'

/** A pause ends by itself, and so does compiling; neither is told as a change. */
const SOON_MS = 3_000
const LATER_MS = 30_000

/** How a community's feed is mixed, for its owner; or a preview of a version. */
export function MixPage({ id, preview }: { id: string; preview?: number }) {
  const { data, error, refetch } = useQuery({
    ...mixQuery(id),
    refetchInterval: ({ state }) => (['paused', 'compiling'].includes(state.data?.madeBy ?? '') ? SOON_MS : LATER_MS),
  })
  const heading = useRef<HTMLHeadingElement>(null)
  const previewed = useRef(preview)
  useEffect(() => {
    if (preview === undefined && previewed.current !== undefined) heading.current?.focus()
    previewed.current = preview
  }, [preview])
  if (!data) return error ? <ProblemCard cause={error} retry={() => void refetch()} /> : <Loading />
  if (preview !== undefined) return <MixPreviewView key={preview} id={id} mix={data} number={preview} />
  return <Overview id={id} mix={data} heading={heading} />
}

function Loading() {
  const { t } = useTranslation()
  return (
    <div role="status" className="grid gap-8">
      <span className="sr-only">{t('loading')}</span>
      <Skeleton className="h-44 rounded-2xl" />
      <div className="grid gap-6 lg:grid-cols-[minmax(0,1fr)_20rem]">
        <Skeleton className="h-[28rem] rounded-2xl" />
        <Skeleton className="h-[28rem] rounded-2xl" />
      </div>
    </div>
  )
}

function Overview({ id, mix, heading }: { id: string; mix: Mix; heading: RefObject<HTMLHeadingElement | null> }) {
  const versions = useQuery(versionsQuery(id))
  const log = useQuery(logQuery(id))
  return (
    <div className="grid gap-10">
      <div className="grid gap-6">
        <MixNow id={id} mix={mix} heading={heading} />
        <div className="grid gap-6 lg:grid-cols-[minmax(0,1fr)_20rem]">
          <MixUpload id={id} mix={mix} versions={versions.data} />
          <MixQuotas mix={mix} />
        </div>
      </div>
      <Below>
        <MixHelp id={id} open={mix.versions.length === 0} />
        <MixVersions id={id} mix={mix} query={versions} />
        {/* How long the versions are is not known before, and nothing below them shall move. */}
        {(versions.data || versions.error) && <History mix={mix} versions={versions.data} log={log} />}
      </Below>
    </div>
  )
}

type Log = { data?: MixLogLine[]; error: Error | null; refetch: () => unknown }

function History({ mix, versions, log }: { mix: Mix; versions?: MixVersion[]; log: Log }) {
  const { t } = useTranslation('mixes')
  const { data: start } = useQuery(startQuery)
  const lines = log.data
  if (!lines && !log.error) return <SkeletonRows rows={5} className="h-16" />
  return (
    <>
      {(lines || versions) && (
        <section className="grid gap-4">
          <h2 className="text-xl font-semibold">{t('chart.title')}</h2>
          <div className="grid gap-6 md:grid-cols-2">
            {lines && <FailureChart lines={lines} />}
            {versions && <FuelChart versions={versions} quotas={mix.quotas} />}
          </div>
        </section>
      )}
      <section className="grid gap-4">
        <div className="grid gap-1">
          <h2 className="text-xl font-semibold">{t('log.title')}</h2>
          <p className="text-sm text-muted-foreground">{t('log.hint')}</p>
        </div>
        {lines ? <MixLog lines={lines} me={start?.caller?.did} /> : <ProblemCard cause={log.error} retry={() => void log.refetch()} />}
      </section>
    </>
  )
}

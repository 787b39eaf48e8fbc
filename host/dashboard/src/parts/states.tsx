import { useQueryErrorResetBoundary } from '@tanstack/react-query'
import { type ErrorComponentProps, Link, useRouter } from '@tanstack/react-router'
import { Compass } from 'lucide-react'
import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { Problem } from '@/api/problem'
import { Button } from '@/ui/button'
import { Card } from '@/ui/card'
import { SkeletonRows } from '@/ui/skeleton'
import { Empty } from './empty'
import { PageTitle } from './page'
import { ProblemCard } from './problem'

/** A page that is on its way. */
export function Waiting() {
  return <SkeletonRows rows={4} className="h-24" />
}

/** There is no such page, or nothing on it. */
export function Missing() {
  const { t } = useTranslation()
  return (
    <>
      <PageTitle title={t('problem.NotFound')} />
      <Empty icon={<Compass aria-hidden />} title={t('problem.notFoundHint')}>
        <Button asChild kind="secondary">
          <Link to="/">{t('home')}</Link>
        </Button>
      </Empty>
    </>
  )
}

/** A page that could not be made: by the program's word, or by a fault of ours. */
export function Broken({ error, reset }: ErrorComponentProps) {
  const { t } = useTranslation()
  const router = useRouter()
  const boundary = useQueryErrorResetBoundary()
  useEffect(() => boundary.reset(), [boundary])
  if (error instanceof Problem && error.status === 404) return <Missing />
  const again = () => {
    reset()
    void router.invalidate()
  }
  if (error instanceof Problem) return <ProblemCard cause={error} retry={again} />
  return (
    <>
      <PageTitle title={t('problem.page')} />
      <Card className="grid justify-items-start gap-3">
        <p>{t('problem.pageHint')}</p>
        <Button onClick={() => location.reload()}>{t('problem.reload')}</Button>
      </Card>
    </>
  )
}

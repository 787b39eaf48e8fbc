import { useQuery, useQueryClient } from '@tanstack/react-query'
import { createFileRoute, useNavigate } from '@tanstack/react-router'
import { useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { becomeNobody, endSession, sessionsQuery, signOut, signOutEverywhere } from '@/api/session'
import { useChange } from '@/parts/change'
import { PageTitle } from '@/parts/page'
import { ProblemCard, ProblemNote } from '@/parts/problem'
import { SessionRow } from '@/session/session-row'
import { Button } from '@/ui/button'
import { Dialog, DialogButtons } from '@/ui/dialog'
import { SkeletonRows } from '@/ui/skeleton'
import { words } from '@/words'

export const Route = createFileRoute('/_in/account')({
  loader: () => words('account'),
  component: Page,
})

function Page() {
  const { t } = useTranslation('account')
  return (
    <>
      <PageTitle title={t('title')}>
        <Everywhere />
      </PageTitle>
      <p className="-mt-3 mb-6 max-w-prose text-muted-foreground">{t('hint')}</p>
      <Sessions />
    </>
  )
}

function Sessions() {
  const { t } = useTranslation('account')
  const { data: sessions, error, refetch } = useQuery(sessionsQuery)
  const toNobody = useNobody()
  const list = useRef<HTMLUListElement>(null)
  // The button that was pressed goes with its row; whoever uses the keyboard goes on at the list.
  const end = useChange(endSession, { said: t('ended'), concerns: [sessionsQuery.queryKey], after: () => list.current?.focus() })
  const leave = useChange(signOut, { after: toNobody })
  if (!sessions) return error ? <ProblemCard cause={error} retry={() => void refetch()} /> : <SkeletonRows rows={3} className="h-36" />
  return (
    <section className="grid gap-3">
      <p role="status" className="sr-only">
        {t('count', { count: sessions.length })}
      </p>
      <ul ref={list} tabIndex={-1} aria-label={t('title')} className="grid gap-3 outline-none">
        {sessions.map((session) => (
          <SessionRow
            key={session.id}
            session={session}
            busy={session.current ? leave.isPending : end.isPending && end.variables === session.id}
            onEnd={() => (session.current ? leave.mutate() : end.mutate(session.id))}
          />
        ))}
      </ul>
    </section>
  )
}

function Everywhere() {
  const { t } = useTranslation(['account', 'common'])
  const [asked, setAsked] = useState(false)
  const toNobody = useNobody()
  const leave = useChange(signOutEverywhere, { after: toNobody, quiet: true })
  return (
    <>
      <Button kind="secondary" onClick={() => setAsked(true)}>
        {t('everywhere.title')}
      </Button>
      <Dialog open={asked} onOpenChange={setAsked} title={t('everywhere.ask')} description={t('everywhere.askHint')}>
        <ProblemNote cause={leave.error} />
        <DialogButtons>
          <Button kind="secondary" onClick={() => setAsked(false)}>
            {t('common:cancel')}
          </Button>
          <Button kind="destructive" busy={leave.isPending} onClick={() => leave.mutate()}>
            {t('everywhere.confirm')}
          </Button>
        </DialogButtons>
      </Dialog>
    </>
  )
}

function useNobody() {
  const queries = useQueryClient()
  const navigate = useNavigate()
  return () => void becomeNobody(queries, () => navigate({ to: '/sign-in' }))
}

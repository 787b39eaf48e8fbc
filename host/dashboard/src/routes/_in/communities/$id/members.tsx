import { useSuspenseQuery } from '@tanstack/react-query'
import { createFileRoute, Link } from '@tanstack/react-router'
import type { SortingState } from '@tanstack/react-table'
import { ShieldCheck, UsersRound } from 'lucide-react'
import { useDeferredValue, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { communityQuery } from '@/api/communities'
import { membersQuery } from '@/api/members'
import { ANYBODY, filtersOf, LEADING_FIRST } from '@/members/members-columns'
import { type Row, useMembers } from '@/members/members-list'
import { RoleDialog } from '@/members/members-role'
import { MembersStatus } from '@/members/members-status'
import { MembersTable, useMembersTable } from '@/members/members-table'
import { MembersTools } from '@/members/members-tools'
import { Below } from '@/parts/below'
import { Empty } from '@/parts/empty'
import { useTitle } from '@/parts/page'
import { ProblemCard } from '@/parts/problem'
import { Button } from '@/ui/button'
import { words } from '@/words'

export const Route = createFileRoute('/_in/communities/$id/members')({
  // Begun with the page's own code; what is there already is looked at by the page.
  loader: ({ context: { queries }, params }) => {
    const wanted = membersQuery(params.id)
    if (!queries.getQueryData(wanted.queryKey)) void queries.prefetchInfiniteQuery(wanted)
    return words('members')
  },
  component: Page,
})

function Page() {
  const { id } = Route.useParams()
  const { caller } = Route.useRouteContext()
  const { t } = useTranslation('members')
  const { data: community } = useSuspenseQuery(communityQuery(id))
  useTitle(`${t('title')} · ${community.name}`)

  const list = useMembers(community)
  const [wish, setWish] = useState(ANYBODY)
  const [sorting, setSorting] = useState<SortingState>(LEADING_FIRST)
  const table = useMembersTable(list.rows, useDeferredValue(wish), sorting, setSorting)
  const [chosen, setChosen] = useState<Row>()

  const { query } = list
  const found = table.getRowModel().rows.length
  const looking = filtersOf(wish).length > 0
  return (
    <section className="grid grid-cols-1 gap-6">
      <div className="flex flex-wrap items-start justify-between gap-3">
        <div className="grid max-w-prose gap-1">
          <h2 className="text-2xl font-semibold">{t('title')}</h2>
          <p className="text-sm text-muted-foreground">{t('intro')}</p>
        </div>
        {(community.role === 'owner' || community.role === 'moderator') && (
          <Button asChild kind="secondary">
            <Link to="/communities/$id/moderation" params={{ id }}>
              <ShieldCheck aria-hidden />
              {t('moderate')}
            </Link>
          </Button>
        )}
      </div>
      <MembersTools wish={wish} onWish={setWish} sorting={sorting} onSorting={setSorting} />
      {query.data === undefined && query.error ? (
        <ProblemCard cause={query.error} retry={() => void query.refetch()} />
      ) : (
        <Below>
          <div className="grid grid-cols-1 gap-3">
            <MembersStatus list={list} found={looking ? found : undefined} />
            <MembersTable
              table={table}
              name={community.name}
              community={id}
              you={caller.did}
              waiting={query.data === undefined}
              choose={community.role === 'owner' ? setChosen : undefined}
            />
            {looking && found === 0 && query.data !== undefined && (
              <Empty icon={<UsersRound aria-hidden />} title={t('nobody')}>
                <p>{t('nobodyHint')}</p>
                <Button kind="secondary" onClick={() => setWish(ANYBODY)}>
                  {t('everyone')}
                </Button>
              </Empty>
            )}
            {!looking && list.total === 1 && <p className="py-4 text-center text-sm text-muted-foreground">{t('alone')}</p>}
            {list.limited && (
              <div className="grid justify-items-center gap-3 py-4 text-sm text-muted-foreground">
                <p>{t('limited', { loaded: list.loaded, total: list.total })}</p>
                <Button kind="secondary" onClick={list.further}>
                  {t('further')}
                </Button>
              </div>
            )}
          </div>
        </Below>
      )}
      {chosen && <RoleDialog id={id} row={chosen} onClose={() => setChosen(undefined)} />}
    </section>
  )
}

import { useInfiniteQuery, useSuspenseQuery } from '@tanstack/react-query'
import { createFileRoute } from '@tanstack/react-router'
import { Gavel, Scale } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Community, communityQuery } from '@/api/communities'
import { type Action, actionsQuery } from '@/api/moderation'
import { moderates } from '@/communities/standing'
import { ActionRow } from '@/moderation/action-row'
import { ModerateAnything } from '@/moderation/moderate-anything'
import { UndoDialog } from '@/moderation/undo-dialog'
import { Empty } from '@/parts/empty'
import { More } from '@/parts/more'
import { useTitle } from '@/parts/page'
import { ProblemCard } from '@/parts/problem'
import { Button } from '@/ui/button'
import { SkeletonRows } from '@/ui/skeleton'
import { words } from '@/words'

/** The log of moderation, which everybody may read, and what the moderators can do about what isn't in the list of posts. */
export const Route = createFileRoute('/_in/communities/$id/moderation')({
  loader: ({ context, params }) => {
    void context.queries.prefetchInfiniteQuery(actionsQuery(params.id))
    return words('moderation')
  },
  component: Page,
})

function Page() {
  const { t } = useTranslation('moderation')
  const { id } = Route.useParams()
  const { data: community } = useSuspenseQuery(communityQuery(id))
  const [open, setOpen] = useState(false)
  useTitle(`${t('title')} · ${community.name}`)
  return (
    <div className="mx-auto max-w-3xl">
      <div className="mb-4 flex flex-col justify-between gap-x-6 gap-y-3 sm:flex-row sm:items-center">
        <div className="grid max-w-prose gap-1">
          <h2 className="text-xl font-semibold">{t('title')}</h2>
          <p className="text-sm text-muted-foreground">{t('intro')}</p>
        </div>
        {moderates(community.role) && (
          <>
            <Button kind="secondary" className="shrink-0 self-start sm:self-center" onClick={() => setOpen(true)}>
              <Gavel aria-hidden />
              {t('other')}
            </Button>
            <ModerateAnything id={id} open={open} onClose={() => setOpen(false)} />
          </>
        )}
      </div>
      <Log id={id} community={community} />
    </div>
  )
}

function Log({ id, community }: { id: string; community: Community }) {
  const { t } = useTranslation('moderation')
  const { caller } = Route.useRouteContext()
  const [undone, setUndone] = useState<Action | null>(null)
  const query = useInfiniteQuery(actionsQuery(id))
  if (query.isPending) return <SkeletonRows rows={5} className="h-36" />
  if (query.isError && !query.data) return <ProblemCard cause={query.error} retry={() => void query.refetch()} />
  const actions = query.data.pages.flatMap((page) => page.actions)
  if (actions.length === 0) {
    return (
      <Empty icon={<Scale aria-hidden />} title={t('empty')}>
        <p>{t('emptyHint')}</p>
      </Empty>
    )
  }
  return (
    <>
      <ol className="grid gap-3">
        {actions.map((action) => (
          <li key={action.uri}>
            <ActionRow action={action} community={community} caller={caller.did} onUndo={setUndone} />
          </li>
        ))}
      </ol>
      <More query={query} />
      <UndoDialog id={id} action={undone} onClose={() => setUndone(null)} />
    </>
  )
}

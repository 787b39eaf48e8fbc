import { Link, useRouteContext } from '@tanstack/react-router'
import { ExternalLink } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Community, keyOf } from '@/api/communities'
import { join, leave } from '@/api/members'
import { feedAddress } from '@/parts/addresses'
import { useWrite } from '@/parts/change'
import { ProblemNote } from '@/parts/problem'
import { Button } from '@/ui/button'
import { Card } from '@/ui/card'
import { Dialog, DialogButtons } from '@/ui/dialog'

/** What the reader is in this community, and the way in or out. It is as high in every case, so that nothing moves when it changes. */
export function StandingCard({ id, community }: { id: string; community: Community }) {
  const { t } = useTranslation('posts')
  const [wish, setWish] = useState<'join' | 'leave' | null>(null)
  const standing = community.blocked ? 'blocked' : (community.role ?? 'none')
  const way = community.role === 'member' ? 'leave' : community.role || community.blocked ? null : 'join'
  return (
    <Card
      aria-label={t('standing.label')}
      className="flex min-h-36 flex-col justify-between gap-x-6 gap-y-3 p-4 sm:max-lg:min-h-20 sm:max-lg:flex-row sm:max-lg:items-center"
    >
      <div className="grid gap-1">
        <p className="font-semibold">{t(`standing.${standing}.title`)}</p>
        <p className="text-sm text-muted-foreground">
          {t(`standing.${standing}.text`)}{' '}
          {community.blocked && (
            <Link
              to="/communities/$id/moderation"
              params={{ id: community.id }}
              className="text-primary underline underline-offset-4 hover:no-underline"
            >
              {t('standing.blocked.log')}
            </Link>
          )}
        </p>
      </div>
      <div className="flex flex-wrap gap-2 sm:max-lg:flex-nowrap">
        {way && (
          <Button kind={way === 'join' ? 'primary' : 'secondary'} size="small" onClick={() => setWish(way)}>
            {t(`${way}.button`)}
          </Button>
        )}
        <Button asChild kind="secondary" size="small">
          <a href={feedAddress(community)} target="_blank" rel="noreferrer">
            <ExternalLink aria-hidden />
            {t('header.open')}
          </a>
        </Button>
      </div>
      <MembershipDialog id={id} name={community.name} wish={wish} onClose={() => setWish(null)} />
    </Card>
  )
}

/** What joining or leaving means, before it is done. */
function MembershipDialog(props: { id: string; name: string; wish: 'join' | 'leave' | null; onClose: () => void }) {
  const { id, name, wish, onClose } = props
  const { t } = useTranslation('posts')
  return (
    <Dialog open={wish !== null} onOpenChange={(open) => open || onClose()} title={wish && t(`${wish}.title`, { name })}>
      {wish && <Membership id={id} name={name} wish={wish} onClose={onClose} />}
    </Dialog>
  )
}

function Membership({ id, name, wish, onClose }: { id: string; name: string; wish: 'join' | 'leave'; onClose: () => void }) {
  const { t } = useTranslation(['posts', 'common'])
  const { caller } = useRouteContext({ from: '/_in' })
  const told = { said: t(`${wish}.said`, { name }), concerns: [keyOf(id), ['communities']], after: onClose, quiet: true }
  const joining = useWrite(() => join(id), told)
  const leaving = useWrite(() => leave(id, caller.did), told)
  const change = wish === 'join' ? joining : leaving
  return (
    <>
      <div className="grid gap-3 text-sm">
        <p>{t(`${wish}.record`)}</p>
        <p>{t(`${wish}.posts`)}</p>
      </div>
      <ProblemNote cause={change.error} />
      <DialogButtons>
        <Button kind="secondary" onClick={onClose}>
          {t('common:cancel')}
        </Button>
        <Button kind={wish === 'join' ? 'primary' : 'destructive'} busy={change.isPending} onClick={() => change.mutate(undefined)}>
          {t(`${wish}.button`)}
        </Button>
      </DialogButtons>
    </>
  )
}

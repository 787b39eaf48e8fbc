import { ArrowUpRight } from 'lucide-react'
import { Trans, useTranslation } from 'react-i18next'
import type { Community } from '@/api/communities'
import type { Action } from '@/api/moderation'
import { partsOf, postAddress } from '@/parts/addresses'
import { Person } from '@/parts/person'
import { Time } from '@/parts/time'
import { PostLine } from '@/posts/post-line'
import { ICONS } from '@/posts/post-menu'
import { Badge } from '@/ui/badge'
import { Button } from '@/ui/button'
import { Card } from '@/ui/card'
import { classes } from '@/ui/classes'

type RowProps = { action: Action; community: Community; caller: string; onUndo: (action: Action) => void }

/** One line of the log: who did what to whom and why, and whether it counts. */
export function ActionRow({ action, community, caller, onUndo }: RowProps) {
  const { t } = useTranslation('moderation')
  const Icon = ICONS[action.action]
  const isPost = action.target.startsWith('at://')
  const own = action.author === caller
  return (
    <Card className="flex gap-3 p-4">
      <span
        className={classes(
          'grid size-9 shrink-0 place-items-center rounded-full [&>svg]:size-4',
          action.decides ? 'bg-accent text-accent-foreground' : 'bg-muted text-muted-foreground',
        )}
      >
        <Icon aria-hidden />
      </span>
      <div className="grid min-w-0 grow content-start gap-1.5">
        <p>
          <Trans
            t={t}
            i18nKey={`${own ? 'own' : 'deed'}.${action.action}`}
            components={{ who: <Person did={action.author} handle={action.authorHandle} />, what: <Target target={action.target} /> }}
          />
        </p>
        {isPost && <PostLine uri={action.target} />}
        <p className={classes('text-sm', !action.reason && 'text-muted-foreground')}>
          {action.reason ? t('reason', { reason: action.reason }) : t('noReason')}
        </p>
        {action.via && (
          <p className="text-sm text-muted-foreground">
            <Trans t={t} i18nKey="via" components={{ who: <Person did={partsOf(action.via).did} /> }} />
          </p>
        )}
        <div className="flex flex-wrap items-center gap-x-3 gap-y-1.5 text-sm text-muted-foreground">
          <Time at={action.createdAt} />
          <Badge kind={action.decides ? 'accent' : 'plain'} className="whitespace-normal">
            {t(`state.${stateOf(action, community)}`)}
          </Badge>
          {own && (
            <Button
              kind="secondary"
              size="small"
              className="ml-auto"
              aria-label={t('undo.label', { what: t(`kind.${action.action}`) })}
              onClick={() => onUndo(action)}
            >
              {t('undo.button')}
            </Button>
          )}
        </div>
      </div>
    </Card>
  )
}

function Target({ target }: { target: string }) {
  const { t } = useTranslation('moderation')
  if (!target.startsWith('at://')) return <Person did={target} />
  return (
    <a href={postAddress(target)} target="_blank" rel="noreferrer" className="font-medium underline underline-offset-4 hover:no-underline">
      {t('post')}
      <ArrowUpRight aria-hidden className="inline size-3.5" />
    </a>
  )
}

/** Whether an action counts, and if not, why. */
export function stateOf(action: Action, community: Community): 'counts' | 'replaced' | 'former' | 'powerless' {
  if (action.decides) return 'counts'
  if (action.authorHasSay) return 'replaced'
  const looksAfter = action.author === community.owner || community.moderators.includes(action.author)
  return looksAfter ? 'powerless' : 'former'
}

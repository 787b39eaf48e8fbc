import { useQuery } from '@tanstack/react-query'
import { ArrowDown, ArrowUp, ExternalLink, LogOut, Minus, Pin, Sparkles } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { hydratedQuery } from '@/api/appview'
import { startQuery } from '@/api/session'
import { postAddress } from '@/parts/addresses'
import { Person } from '@/parts/person'
import { Badge } from '@/ui/badge'
import { classes } from '@/ui/classes'
import { Skeleton } from '@/ui/skeleton'
import type { Move, Row, Seen } from './mix-compare'

const DOTS = { own: 'bg-own', parent: 'bg-parent', global: 'bg-global' } as const

const ICONS = { up: ArrowUp, down: ArrowDown, same: Minus, new: Sparkles, gone: LogOut } as const

/** A post at its place on a page, and how it has moved where that is of interest. */
export function MixPreviewPost({ row: { post, place }, move }: { row: Row; move?: Move }) {
  const { t } = useTranslation(['mixes', 'common'])
  return (
    <li className="grid grid-cols-[1.75rem_minmax(0,1fr)] gap-2 py-3">
      <span className="pt-px text-right text-sm font-semibold text-muted-foreground tabular-nums">{place}</span>
      <div className="grid min-w-0 gap-1">
        <div className="flex flex-wrap items-center gap-x-3 gap-y-1 text-sm">
          <Person did={post.author} handle={post.authorHandle} className="max-w-full truncate" />
          <span className="inline-flex items-center gap-1.5 text-xs text-muted-foreground">
            <span aria-hidden className={classes('size-2.5 rounded-full', DOTS[post.source])} />
            {t(`common:source.${post.source}`)}
          </span>
          {post.pinned && (
            <Badge kind="accent">
              <Pin aria-hidden />
              {t('preview.pinned')}
            </Badge>
          )}
          {move && <Moved move={move} />}
        </div>
        <Text post={post} />
        {post.note && (
          <p className="text-xs text-muted-foreground">
            {t('preview.note')} <span className="font-mono break-all">{post.note}</span>
          </p>
        )}
        <a
          href={postAddress(post.uri)}
          target="_blank"
          rel="noreferrer"
          className="inline-flex min-h-6 items-center gap-1 justify-self-start text-xs text-muted-foreground underline-offset-4 hover:underline"
        >
          <ExternalLink aria-hidden className="size-3" />
          {t('preview.open')}
        </a>
      </div>
    </li>
  )
}

function Moved({ move }: { move: Move }) {
  const { t } = useTranslation('mixes')
  const Icon = ICONS[move.kind]
  const text = 'places' in move ? t(`preview.moved.${move.kind}`, { count: move.places }) : t(`preview.moved.${move.kind}`)
  const quiet = move.kind === 'same' || move.kind === 'down'
  return (
    <span className={classes('inline-flex items-center gap-1 text-xs font-medium', quiet ? 'text-muted-foreground' : 'text-primary')}>
      <Icon aria-hidden className="size-3.5" />
      {text}
    </span>
  )
}

/** What the post says in two lines, which are kept for it until that is known. */
function Text({ post }: { post: Seen }) {
  const { t } = useTranslation('mixes')
  const { data: start } = useQuery(startQuery)
  const { data, isLoading } = useQuery(hydratedQuery(start?.host.appview ?? undefined, post.uri))
  if (isLoading) {
    return (
      <div className="grid h-10 content-center gap-2">
        <Skeleton className="h-3" />
        <Skeleton className="h-3 w-2/3" />
      </div>
    )
  }
  if (!data) return <p className="line-clamp-2 h-10 font-mono text-xs leading-5 break-all text-muted-foreground">{post.uri}</p>
  const wordless = data.images.length > 0 ? t('preview.pictures', { count: data.images.length }) : t('preview.wordless')
  return (
    <p className={classes('line-clamp-2 h-10 text-sm leading-5', !data.text && 'text-muted-foreground italic')}>{data.text || wordless}</p>
  )
}

import { Link } from '@tanstack/react-router'
import { ExternalLink } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import type { Hydrated } from '@/api/appview'
import type { Community, Post } from '@/api/communities'
import { mayModerate } from '@/communities/standing'
import { postAddress, profileAddress } from '@/parts/addresses'
import { Avatar, short } from '@/parts/person'
import { Time } from '@/parts/time'
import { Button } from '@/ui/button'
import { Card } from '@/ui/card'
import { classes } from '@/ui/classes'
import { Clamped } from './clamped'
import { PostBadges } from './post-badges'
import { PostCounts } from './post-counts'
import { type Choose, PostMenu } from './post-menu'
import { isCovered, Pictures } from './post-pictures'
import { useSaid } from './said'

/** As high as a card without badges, for what stands in its place. */
export const CARD_HEIGHT = 'h-[14.25rem]'

/**
 * A post. Its address, author and time are there from the first paint; what it says comes from the AppView into room that is kept for it, so
 * that nothing around it moves.
 */
export function PostCard(props: { post: Post; community: Community; caller: string; onChoose: Choose }) {
  const { post, community, caller, onChoose } = props
  const { t } = useTranslation('posts')
  const hydrated = useSaid(post.uri)
  const said = hydrated.data
  const handle = said?.handle || post.authorHandle
  const name = said?.name || (handle ? `@${handle}` : short(post.author))
  return (
    <Card className={classes('grid gap-3', !post.shown && 'border-dashed border-input')}>
      <div className="flex h-10 items-center gap-3">
        <Avatar did={post.author} name={name} picture={said?.avatar} />
        <div className="grid min-w-0 grow text-sm">
          <a
            href={profileAddress(post.author)}
            target="_blank"
            rel="noreferrer"
            className="justify-self-start truncate font-medium underline-offset-4 [max-width:100%] hover:underline"
          >
            {name}
          </a>
          <p className="truncate text-muted-foreground">
            <Time at={post.createdAt} />
            {said?.name && handle && ` · @${handle}`}
          </p>
        </div>
        {mayModerate(community, caller, post.author) && <PostMenu post={post} who={handle ? `@${handle}` : name} onChoose={onChoose} />}
      </div>
      <PostBadges post={post} />
      <Body post={post} said={said} failed={hydrated.isError} />
      <div className="flex h-8 items-center gap-x-4">
        {said && <PostCounts said={said} />}
        <Link
          to="/communities/$id/why"
          params={{ id: community.id }}
          search={{ post: post.uri }}
          className="ml-auto py-1 text-sm text-primary underline-offset-4 hover:underline"
        >
          {t(post.shown ? 'post.whyHere' : 'post.whyNot')}
        </Link>
        <Button asChild kind="ghost" size="icon" className="-mr-2 size-8">
          <a href={postAddress(post.uri)} target="_blank" rel="noreferrer" aria-label={t('post.open')} title={t('post.open')}>
            <ExternalLink aria-hidden />
          </a>
        </Button>
      </div>
    </Card>
  )
}

/** Four lines of what the post says, with its pictures beside them; or its address. */
function Body({ post, said, failed }: { post: Post; said?: Hydrated | null; failed: boolean }) {
  const { t } = useTranslation('posts')
  if (!said) {
    return (
      <div className="grid h-24 content-start gap-2 overflow-hidden">
        <p className="line-clamp-3 font-mono text-xs break-all text-muted-foreground">{post.uri}</p>
        {(failed || said === null) && <p className="text-sm text-muted-foreground">{t(failed ? 'post.unread' : 'post.gone')}</p>}
      </div>
    )
  }
  return (
    <div className="flex min-h-24 items-start gap-4">
      <Clamped cut="line-clamp-4" lang={post.languages[0]} className="grow [--behind:var(--card)]">
        {said.text}
      </Clamped>
      {said.images.length > 0 && <Pictures images={said.images} covered={isCovered(post.labels)} />}
    </div>
  )
}

import { keepPreviousData, useInfiniteQuery, useSuspenseQuery } from '@tanstack/react-query'
import { createFileRoute } from '@tanstack/react-router'
import { MessagesSquare } from 'lucide-react'
import { useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Community, communityQuery, postsQuery } from '@/api/communities'
import { moderates } from '@/communities/standing'
import { ModerateDialog } from '@/moderation/moderate-dialog'
import { Copy } from '@/parts/copy'
import { Empty } from '@/parts/empty'
import { More } from '@/parts/more'
import { useTitle } from '@/parts/page'
import { ProblemCard } from '@/parts/problem'
import { NewPosts } from '@/posts/new-posts'
import { CARD_HEIGHT, PostCard } from '@/posts/post-card'
import type { Wish } from '@/posts/post-menu'
import { SkeletonRows } from '@/ui/skeleton'
import { words } from '@/words'

/** What a community's members have written in the past week. */
export const Route = createFileRoute('/_in/communities/$id/')({
  validateSearch: (search): { hidden?: true } => (search.hidden === true ? { hidden: true } : {}),
  loaderDeps: ({ search }) => ({ hidden: search.hidden === true }),
  loader: ({ context, params, deps }) => {
    // Not everybody may read the other list; whether this one may is known later.
    if (!deps.hidden) void context.queries.prefetchInfiniteQuery(postsQuery(params.id, false))
    return words('moderation')
  },
  component: Page,
})

function Page() {
  const { t } = useTranslation('posts')
  const { id } = Route.useParams()
  const { hidden } = Route.useSearch()
  const { data: community } = useSuspenseQuery(communityQuery(id))
  const heading = useRef<HTMLHeadingElement>(null)
  useTitle(community.name)
  const mayLook = moderates(community.role)
  return (
    <div className="mx-auto max-w-3xl">
      <div className="mb-4 flex flex-wrap items-center justify-between gap-x-6 gap-y-2">
        <h2 ref={heading} tabIndex={-1} className="scroll-mt-24 text-xl font-semibold outline-none">
          {t('list.title')}
        </h2>
        {mayLook && <HiddenToo on={hidden === true} />}
      </div>
      <Posts key={id} id={id} community={community} hidden={mayLook && hidden === true} top={heading} />
    </div>
  )
}

/** Whether also what the feed doesn't show is listed. It is part of the page's address. */
function HiddenToo({ on }: { on: boolean }) {
  const { t } = useTranslation('posts')
  const navigate = Route.useNavigate()
  return (
    <label className="flex min-h-8 items-center gap-2 text-sm">
      <input
        type="checkbox"
        className="size-5 accent-primary"
        checked={on}
        onChange={(event) => void navigate({ search: event.target.checked ? { hidden: true } : {}, replace: true, resetScroll: false })}
      />
      {t('list.hidden')}
    </label>
  )
}

type PostsProps = { id: string; community: Community; hidden: boolean; top: React.RefObject<HTMLElement | null> }

function Posts({ id, community, hidden, top }: PostsProps) {
  const { caller } = Route.useRouteContext()
  const [wish, setWish] = useState<Wish | null>(null)
  // While the other list comes, this one stays; it is never another community's, which has a list of its own.
  const query = useInfiniteQuery({ ...postsQuery(id, hidden), placeholderData: keepPreviousData })
  if (query.isPending) return <SkeletonRows rows={4} className={CARD_HEIGHT} />
  if (query.isError && !query.data) return <ProblemCard cause={query.error} retry={() => void query.refetch()} />
  const posts = query.data.pages.flatMap((page) => page.posts)
  if (posts.length === 0) return <NoPosts community={community} />
  return (
    <>
      <NewPosts key={`${hidden} ${query.isPlaceholderData}`} posts={posts} top={top} />
      <ul className="grid gap-3" aria-busy={query.isPlaceholderData}>
        {posts.map((post) => (
          <li key={post.uri}>
            <PostCard post={post} community={community} caller={caller.did} onChoose={setWish} />
          </li>
        ))}
      </ul>
      <More query={query} />
      <ModerateDialog id={id} wish={wish} onClose={() => setWish(null)} />
    </>
  )
}

function NoPosts({ community }: { community: Community }) {
  const { t } = useTranslation('posts')
  return (
    <Empty icon={<MessagesSquare aria-hidden />} title={t('list.empty')}>
      <p>{t('list.emptyHow')}</p>
      <Copy text={community.hashtag} label={t('header.copyHashtag')}>
        <span className="font-mono">{community.hashtag}</span>
      </Copy>
      {!community.role && <p>{t('list.emptyWho')}</p>}
    </Empty>
  )
}

import { useQuery } from '@tanstack/react-query'
import { ArrowUpRight, CircleCheck, CircleX } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { type Explanation, explainQuery } from '@/api/communities'
import { postAddress } from '@/parts/addresses'
import { ProblemCard } from '@/parts/problem'
import { Sentence } from '@/parts/sentence'
import { PostLine } from '@/posts/post-line'
import { Card } from '@/ui/card'
import { Skeleton } from '@/ui/skeleton'
import { ClauseList } from './clause-list'

/** Why a post is in the feed, or isn't: the verdict, then all that it comes from. */
export function Explained({ id, post }: { id: string; post: string }) {
  const { t } = useTranslation(['posts', 'common'])
  const query = useQuery(explainQuery(id, post))
  if (query.isPending) {
    return (
      <div className="grid gap-4">
        <p role="status" className="sr-only">
          {t('common:loading')}
        </p>
        <Skeleton className="h-36" />
        <Skeleton className="h-[52rem]" />
      </div>
    )
  }
  if (query.isError) return <ProblemCard cause={query.error} retry={() => void query.refetch()} />
  return (
    <div className="grid gap-4">
      <Verdict explanation={query.data} />
      <Card className="grid gap-4">
        <h3 className="text-lg font-semibold">{t('why.steps')}</h3>
        <ClauseList clauses={query.data.clauses} />
      </Card>
    </div>
  )
}

function Verdict({ explanation }: { explanation: Explanation }) {
  const { t } = useTranslation('posts')
  const failing = explanation.visible ? undefined : explanation.clauses.find(({ code, holds }) => code !== 'shown' && holds === false)
  const Icon = explanation.visible ? CircleCheck : CircleX
  return (
    <Card role="status" className="flex gap-4">
      <Icon aria-hidden className={explanation.visible ? 'size-8 shrink-0 text-primary' : 'size-8 shrink-0 text-destructive'} />
      <div className="grid min-w-0 grow gap-1.5">
        <h3 className="text-xl/8 font-semibold">{t(explanation.visible ? 'why.in' : 'why.out')}</h3>
        {failing && <p className="font-medium">{t('why.first', { clause: t(`why.clause.${failing.code}`) })}</p>}
        <Sentence text={explanation.summary} />
        <a
          href={postAddress(explanation.post)}
          target="_blank"
          rel="noreferrer"
          className="mt-1 grid grid-cols-[minmax(0,1fr)_auto] items-center gap-2 rounded-lg bg-muted px-3 py-2 hover:underline"
        >
          <PostLine uri={explanation.post} />
          <span className="sr-only">{t('post.open')}</span>
          <ArrowUpRight aria-hidden className="size-4 text-muted-foreground" />
        </a>
      </div>
    </Card>
  )
}

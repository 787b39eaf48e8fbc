import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { type Community, childrenQuery, communityQuery } from '@/api/communities'
import { Problem } from '@/api/problem'
import { More } from '@/parts/more'
import { ProblemNote } from '@/parts/problem'
import { Card } from '@/ui/card'
import { Skeleton } from '@/ui/skeleton'

/** The community that this one grew out of, and those that grew out of it. */
export function AboutFamily({ id, community }: { id: string; community: Community }) {
  const { t } = useTranslation('posts')
  return (
    <Card className="grid content-start gap-4">
      <h3 className="text-lg font-semibold">{t('about.family')}</h3>
      <div className="grid gap-1">
        <h4 className="font-sans text-sm text-muted-foreground">{t('about.parent')}</h4>
        <div className="min-h-8">{community.parent ? <Parent uri={community.parent} /> : <p>{t('about.noParent')}</p>}</div>
      </div>
      <div className="grid gap-1">
        <h4 className="font-sans text-sm text-muted-foreground">{t('about.children')}</h4>
        <Children id={id} />
      </div>
    </Card>
  )
}

function Parent({ uri }: { uri: string }) {
  const { t } = useTranslation('posts')
  const query = useQuery(communityQuery(uri))
  if (query.data) return <CommunityLink community={query.data} />
  if (query.isPending) return <Skeleton className="h-8 w-48" />
  if (query.error instanceof Problem && query.error.status === 404) return <p>{t('about.parentAway')}</p>
  return <ProblemNote cause={query.error} />
}

function Children({ id }: { id: string }) {
  const { t } = useTranslation('posts')
  const query = useInfiniteQuery(childrenQuery(id))
  if (query.isPending) return <Skeleton className="h-8 w-48" />
  if (query.isError && !query.data) return <ProblemNote cause={query.error} />
  const children = query.data.pages.flatMap((page) => page.communities)
  if (children.length === 0) return <p className="min-h-8">{t('about.noChildren')}</p>
  return (
    <>
      <ul>
        {children.map((child) => (
          <li key={child.uri}>
            <CommunityLink community={child} />
          </li>
        ))}
      </ul>
      <More query={query} />
    </>
  )
}

function CommunityLink({ community }: { community: Community }) {
  return (
    <Link
      to="/communities/$id"
      params={{ id: community.id }}
      className="inline-block py-1 font-medium text-primary underline-offset-4 hover:underline"
    >
      {community.name}
    </Link>
  )
}

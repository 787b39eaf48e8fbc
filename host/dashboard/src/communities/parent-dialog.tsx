import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { Check } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Community, communitiesQuery } from '@/api/communities'
import { More } from '@/parts/more'
import { ProblemNote } from '@/parts/problem'
import { Dialog } from '@/ui/dialog'
import { SkeletonRows } from '@/ui/skeleton'
import { SearchBox } from './search-box'

type Choice = { chosen: string; self?: string; onPick: (community: Community) => void }

/** Finds a community by its name and chooses it; not the one that it is for. */
export function ParentDialog({ open, onOpenChange, ...choice }: Choice & { open: boolean; onOpenChange: (open: boolean) => void }) {
  const { t } = useTranslation('communities')
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={t('form.choose')} description={t('form.chooseHint')}>
      <Choices {...choice} />
    </Dialog>
  )
}

function Choices({ chosen, self, onPick }: Choice) {
  const { t } = useTranslation(['communities', 'common'])
  const [name, setName] = useState('')
  const query = useInfiniteQuery({ ...communitiesQuery({ q: name || undefined }), placeholderData: keepPreviousData })
  const found = query.data?.pages.flatMap((page) => page.communities).filter(({ uri }) => uri !== self)
  return (
    <>
      <SearchBox value={name} onSearch={setName} aria-label={t('find.name')} placeholder={t('find.placeholder')} />
      <div className="h-72 overflow-y-auto">
        {!found && !query.error && <SkeletonRows rows={4} className="h-12" />}
        {!found && <ProblemNote cause={query.error} />}
        {found?.length === 0 && (
          <p role="status" className="py-8 text-center text-sm text-muted-foreground">
            {t('form.chooseNone')}
          </p>
        )}
        {found && (
          <ul aria-label={t('common:nav.communities')} aria-busy={query.isPlaceholderData} className="grid gap-1 p-1 aria-busy:opacity-60">
            {found.map((community) => (
              <li key={community.uri}>
                <button
                  type="button"
                  aria-pressed={community.uri === chosen}
                  onClick={() => onPick(community)}
                  className="flex min-h-12 w-full items-center justify-between gap-3 rounded-lg px-3 py-2 text-left text-sm hover:bg-muted aria-pressed:bg-accent aria-pressed:text-accent-foreground"
                >
                  <span className="min-w-0 font-medium">{community.name}</span>
                  <span className="flex shrink-0 items-center gap-2 text-muted-foreground">
                    {t('members', { count: community.memberCount })}
                    {community.uri === chosen && <Check aria-hidden className="size-4" />}
                  </span>
                </button>
              </li>
            ))}
          </ul>
        )}
        <More query={query} />
      </div>
    </>
  )
}

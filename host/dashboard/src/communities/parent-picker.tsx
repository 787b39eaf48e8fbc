import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Community, communityQuery } from '@/api/communities'
import { Problem } from '@/api/problem'
import { Badge } from '@/ui/badge'
import { Button } from '@/ui/button'
import { Skeleton } from '@/ui/skeleton'
import { ParentDialog } from './parent-dialog'

/** Which community is the parent, by its AT-URI; empty for none. */
export function ParentPicker({ parent, self, onChange }: { parent: string; self?: string; onChange: (parent: string) => void }) {
  const { t } = useTranslation('communities')
  const [asked, setAsked] = useState(false)
  const queries = useQueryClient()
  const choose = useRef<HTMLButtonElement>(null)
  const picked = (community: Community) => {
    queries.setQueryData(communityQuery(community.uri).queryKey, community)
    onChange(community.uri)
    setAsked(false)
  }
  const remove = () => {
    onChange('')
    // The button that was pressed is gone.
    choose.current?.focus()
  }
  return (
    <fieldset className="grid gap-1.5">
      <legend className="mb-1.5 text-sm font-medium">{t('form.parent')}</legend>
      <div className="flex min-h-14 flex-wrap items-center justify-between gap-x-4 gap-y-2 rounded-lg border border-input bg-card px-3 py-2">
        <div className="min-w-0 flex-1 basis-40 text-sm">
          {parent ? <Parent uri={parent} /> : <span className="text-muted-foreground">{t('form.noParent')}</span>}
        </div>
        <div className="flex flex-wrap gap-2">
          <Button ref={choose} kind="secondary" size="small" onClick={() => setAsked(true)}>
            {t(parent ? 'form.change' : 'form.choose')}
          </Button>
          {parent && (
            <Button kind="ghost" size="small" onClick={remove}>
              {t('form.remove')}
            </Button>
          )}
        </div>
      </div>
      <p className="text-sm text-muted-foreground">{t('form.parentHint')}</p>
      <ParentDialog open={asked} onOpenChange={setAsked} chosen={parent} self={self} onPick={picked} />
    </fieldset>
  )
}

/** Its name; or its address, where it has none here. */
function Parent({ uri }: { uri: string }) {
  const { t } = useTranslation(['communities', 'common'])
  const { data: community, error } = useQuery(communityQuery(uri))
  if (community) {
    return (
      <span className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <span className="font-medium">{community.name}</span>
        <Badge>{t(`common:stage.${community.stage}`)}</Badge>
      </span>
    )
  }
  if (!error) return <Skeleton className="h-5 w-40" />
  return (
    <>
      <span className="block">{t(error instanceof Problem && error.status === 404 ? 'form.goneParent' : 'form.unknownParent')}</span>
      <span className="block font-mono text-xs text-muted-foreground">{uri}</span>
    </>
  )
}

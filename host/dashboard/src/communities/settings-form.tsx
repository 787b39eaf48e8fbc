import { useQueryClient } from '@tanstack/react-query'
import { type SubmitEvent, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Amendment, amendCommunity, type Community, communityQuery, keyOf } from '@/api/communities'
import { useWrite } from '@/parts/change'
import { ProblemNote } from '@/parts/problem'
import { Button } from '@/ui/button'
import { classes } from '@/ui/classes'
import { CloseCommunity } from './close-community'
import { changes, type Draft, draftOf, faultsOf, refusedField } from './community-draft'
import { CommunityFields } from './community-form'
import { toFirstFault } from './submitting'
import { useUnsaved } from './unsaved'

/**
 * Changes a community. Only what its owner has touched is held here: the rest follows what the community is, also while the page is open.
 */
export function SettingsForm({ id, community }: { id: string; community: Community }) {
  const { t } = useTranslation(['communities', 'common'])
  const queries = useQueryClient()
  const [touched, setTouched] = useState<Partial<Draft>>({})
  const [tried, setTried] = useState(false)
  const sent = useRef({ touched, amendment: '' })
  // What the owner's server has, though it can't be seen here yet.
  const [underway, setUnderway] = useState('')
  const before = draftOf(community)
  const draft = { ...before, ...touched }
  const amendment = changes(before, draft)
  const dirty = Object.keys(amendment).length > 0 && JSON.stringify(amendment) !== underway
  const { letGo, question } = useUnsaved(dirty)
  const save = useWrite((wish: Amendment) => amendCommunity(id, wish), {
    said: t('settings.saved'),
    concerns: [['communities']],
    quiet: true,
    after: (done) => {
      setTried(false)
      if (!done) return setUnderway(sent.current.amendment)
      queries.setQueryData(communityQuery(id).queryKey, done)
      void queries.invalidateQueries({ queryKey: keyOf(id) })
      setTouched((now) => newer(now, sent.current.touched))
    },
  })
  const faults = faultsOf(draft)
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault()
    if (save.isPending || !dirty) return
    setTried(true)
    if (Object.keys(faults).length > 0) return toFirstFault(event)
    sent.current = { touched, amendment: JSON.stringify(amendment) }
    save.mutate(amendment)
  }
  const undo = () => {
    setTouched({})
    setTried(false)
    save.reset()
  }
  return (
    <div className="grid max-w-3xl gap-12">
      <form onSubmit={submit} noValidate className="grid gap-8">
        <div className="grid gap-1">
          <h2 className="text-2xl font-semibold">{t('settings.title')}</h2>
          <p className="text-sm text-muted-foreground">{t('settings.public')}</p>
        </div>
        <CommunityFields
          draft={draft}
          onChange={(change) => setTouched({ ...touched, ...change })}
          faults={faults}
          tried={tried}
          refused={save.error}
          self={community.uri}
        />
        {!refusedField(save.error) && <ProblemNote cause={save.error} />}
        <div
          className={classes(
            '-mx-4 flex flex-wrap items-center justify-between gap-3 border-t bg-background px-4 py-3 sm:mx-0 sm:px-0',
            dirty && 'sticky bottom-0',
          )}
        >
          <p role="status" className="text-sm text-muted-foreground">
            {t(dirty ? 'settings.unsaved' : 'settings.same')}
          </p>
          <div className="flex flex-wrap gap-2">
            {dirty && (
              <Button kind="ghost" onClick={undo}>
                {t('settings.undo')}
              </Button>
            )}
            <Button type="submit" busy={save.isPending} aria-disabled={!dirty}>
              {t('common:save')}
            </Button>
          </div>
        </div>
      </form>
      <CloseCommunity community={community} onClosed={letGo} />
      {question}
    </div>
  )
}

const FIELDS = ['name', 'description', 'stage', 'parent', 'shares'] as const

/** What was touched since the rest was sent. */
function newer(now: Partial<Draft>, sent: Partial<Draft>): Partial<Draft> {
  const left = { ...now }
  for (const field of FIELDS) if (left[field] === sent[field]) delete left[field]
  return left
}

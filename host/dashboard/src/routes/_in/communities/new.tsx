import { useQueryClient } from '@tanstack/react-query'
import { createFileRoute, useNavigate } from '@tanstack/react-router'
import { type SubmitEvent, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { communityQuery, createCommunity } from '@/api/communities'
import { BLANK, type Draft, faultsOf, refusedField, wishOf } from '@/communities/community-draft'
import { CommunityFields } from '@/communities/community-form'
import { toFirstFault } from '@/communities/submitting'
import { useUnsaved } from '@/communities/unsaved'
import { useWrite } from '@/parts/change'
import { PageTitle } from '@/parts/page'
import { ProblemNote } from '@/parts/problem'
import { Button } from '@/ui/button'
import { words } from '@/words'

export const Route = createFileRoute('/_in/communities/new')({
  loader: () => words('communities'),
  component: Page,
})

function Page() {
  const { t } = useTranslation('communities')
  const queries = useQueryClient()
  const navigate = useNavigate()
  const [draft, setDraft] = useState<Draft>(BLANK)
  const [tried, setTried] = useState(false)
  const { letGo, question } = useUnsaved(JSON.stringify(draft) !== JSON.stringify(BLANK))
  const create = useWrite(createCommunity, {
    said: t('new.created'),
    concerns: [['communities']],
    quiet: true,
    after: (done) => {
      letGo()
      if (!done) return void navigate({ to: '/' })
      queries.setQueryData(communityQuery(done.id).queryKey, done)
      void navigate({ to: '/communities/$id', params: { id: done.id } })
    },
  })
  const faults = faultsOf(draft)
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault()
    if (create.isPending || create.isSuccess) return
    setTried(true)
    if (Object.keys(faults).length > 0) return toFirstFault(event)
    create.mutate(wishOf(draft))
  }
  const refused = create.error
  return (
    <div className="mx-auto max-w-3xl">
      <PageTitle title={t('new.title')} />
      <form onSubmit={submit} noValidate className="grid gap-8">
        <CommunityFields
          draft={draft}
          onChange={(change) => setDraft({ ...draft, ...change })}
          faults={faults}
          tried={tried}
          refused={refused}
        />
        <section aria-labelledby="public" className="grid gap-2 rounded-2xl bg-accent p-5 text-sm text-accent-foreground">
          <h2 id="public" className="text-lg font-semibold">
            {t('new.public')}
          </h2>
          <p>{t('new.publicHint')}</p>
          <ul className="list-disc space-y-1 pl-5">
            <li>{t('new.publicConfig')}</li>
            <li>{t('new.publicFeed')}</li>
          </ul>
          <p>{t('new.publicEnd')}</p>
        </section>
        {!refusedField(refused) && <ProblemNote cause={refused} />}
        <Button type="submit" busy={create.isPending} className="justify-self-start max-sm:w-full">
          {t('new.submit')}
        </Button>
      </form>
      {question}
    </div>
  )
}

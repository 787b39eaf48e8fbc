import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type SubmitEvent, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Community, closeCommunity, keyOf } from '@/api/communities'
import { useWrite } from '@/parts/change'
import { ProblemNote } from '@/parts/problem'
import { Button } from '@/ui/button'
import { Dialog, DialogButtons } from '@/ui/dialog'
import { Field, Input } from '@/ui/field'

/** The end of a community, behind a dialog that says what it means. */
export function CloseCommunity({ community, onClosed }: { community: Community; onClosed: () => void }) {
  const { t } = useTranslation('communities')
  const [asked, setAsked] = useState(false)
  return (
    <section aria-labelledby="close" className="grid justify-items-start gap-3 rounded-2xl border border-destructive p-5">
      <h2 id="close" className="text-lg font-semibold">
        {t('shut.title')}
      </h2>
      <p className="text-sm text-muted-foreground">{t('shut.hint')}</p>
      <Button kind="destructive" onClick={() => setAsked(true)}>
        {t('shut.open')}
      </Button>
      <Dialog open={asked} onOpenChange={setAsked} title={t('shut.ask', { name: community.name })}>
        <Question community={community} onCancel={() => setAsked(false)} onClosed={onClosed} />
      </Dialog>
    </section>
  )
}

/** As somebody types it who sees it. */
const plain = (name: string) => name.normalize('NFC').trim().replace(/\s+/g, ' ')

function Question({ community, onCancel, onClosed }: { community: Community; onCancel: () => void; onClosed: () => void }) {
  const { t } = useTranslation(['communities', 'common'])
  const { id, name, uri } = community
  const [typed, setTyped] = useState('')
  const queries = useQueryClient()
  const navigate = useNavigate()
  const close = useWrite(() => closeCommunity(id), {
    said: t('shut.done', { name }),
    concerns: [['communities']],
    quiet: true,
    after: () => {
      onClosed()
      // Its pages would ask for it again if it were forgotten while they are open.
      void navigate({ to: '/' }).then(() => {
        for (const called of [id, uri]) queries.removeQueries({ queryKey: keyOf(called) })
      })
    },
  })
  const sure = plain(typed) === plain(name)
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault()
    if (sure && !close.isPending) close.mutate(undefined)
  }
  return (
    <form onSubmit={submit} className="grid gap-4">
      <ul className="list-disc space-y-1.5 pl-5 text-sm">
        <li>{t('shut.gone')}</li>
        <li>{t('shut.stays')}</li>
        <li>{t('shut.final')}</li>
      </ul>
      <p className="text-sm">
        {t('shut.type')} <strong className="select-all">{name}</strong>
      </p>
      <Field label={t('shut.name')}>
        {(control) => (
          <Input {...control} value={typed} onChange={(event) => setTyped(event.target.value)} autoComplete="off" spellCheck={false} />
        )}
      </Field>
      <ProblemNote cause={close.error} />
      <DialogButtons>
        <Button kind="secondary" onClick={onCancel}>
          {t('common:cancel')}
        </Button>
        <Button type="submit" kind="destructive" aria-disabled={!sure} busy={close.isPending}>
          {t('shut.confirm')}
        </Button>
      </DialogButtons>
    </form>
  )
}

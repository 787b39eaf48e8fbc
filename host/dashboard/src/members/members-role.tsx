import { useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { keyOf } from '@/api/communities'
import { appoint, membersQuery } from '@/api/members'
import { useWrite } from '@/parts/change'
import { ProblemNote } from '@/parts/problem'
import { Button } from '@/ui/button'
import { Dialog, DialogButtons } from '@/ui/dialog'
import { nameOf } from './members-columns'
import { type Row, withRole } from './members-list'

/** Asks the owner whether somebody shall moderate, or shall no longer. */
export function RoleDialog({ id, row, onClose }: { id: string; row: Row; onClose: () => void }) {
  const { t } = useTranslation('members')
  const queries = useQueryClient()
  const [keep, setKeep] = useState(true)
  const name = nameOf(row)
  const which = row.role === 'member' ? 'appoint' : 'dismiss'
  const change = useWrite(() => (which === 'appoint' ? appoint(id, row.did, 'moderator') : appoint(id, row.did, 'member', keep)), {
    said: t(`${which}.done`, { name }),
    concerns: [keyOf(id)],
    quiet: true,
    // A long list is read anew only after a while.
    after: (done) => {
      if (done) queries.setQueryData(membersQuery(id).queryKey, (list) => list && withRole(list, done))
      onClose()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!change.isPending) change.mutate(undefined)
  }
  return (
    <Dialog open onOpenChange={(open) => open || onClose()} title={t(`${which}.title`, { name })} description={t(`${which}.hint`)}>
      <form onSubmit={submit} className="grid gap-5 text-sm">
        {which === 'appoint' ? <WhatModeratorsMay /> : <WhatBecomes keep={keep} onKeep={setKeep} />}
        <ProblemNote cause={change.error} />
        <DialogButtons>
          <Button kind="secondary" onClick={onClose}>
            {t('cancel', { ns: 'common' })}
          </Button>
          <Button type="submit" kind={which === 'appoint' ? 'primary' : 'destructive'} busy={change.isPending}>
            {t(`${which}.confirm`)}
          </Button>
        </DialogButtons>
      </form>
    </Dialog>
  )
}

function WhatModeratorsMay() {
  const { t } = useTranslation('members')
  return (
    <div className="grid gap-3">
      <p>{t('appoint.may')}</p>
      <ul className="grid list-disc gap-1 pl-5">
        <li>{t('appoint.hide')}</li>
        <li>{t('appoint.block')}</li>
      </ul>
      <p>{t('appoint.not')}</p>
      <p className="rounded-lg bg-warning p-3 text-warning-foreground">{t('appoint.public')}</p>
    </div>
  )
}

function WhatBecomes({ keep, onKeep }: { keep: boolean; onKeep: (keep: boolean) => void }) {
  const { t } = useTranslation('members')
  return (
    <fieldset className="grid gap-2">
      <legend className="mb-2 font-medium">{t('dismiss.what')}</legend>
      {([true, false] as const).map((choice) => (
        <label
          key={String(choice)}
          className="grid grid-cols-[auto_1fr] gap-x-3 rounded-lg border p-3 has-checked:border-primary has-checked:bg-accent has-checked:text-accent-foreground"
        >
          <input
            type="radio"
            name="keep"
            checked={keep === choice}
            onChange={() => onKeep(choice)}
            className="mt-0.5 size-4 accent-primary"
          />
          <span className="grid gap-1">
            <span className="font-medium">{t(choice ? 'dismiss.keep' : 'dismiss.drop')}</span>
            <span>{t(choice ? 'dismiss.keepHint' : 'dismiss.dropHint')}</span>
          </span>
        </label>
      ))}
    </fieldset>
  )
}

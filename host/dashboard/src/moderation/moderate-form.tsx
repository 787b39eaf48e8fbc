import { type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { keyOf } from '@/api/communities'
import { type ActionKind, act } from '@/api/moderation'
import { fits } from '@/communities/letters'
import { useWrite } from '@/parts/change'
import { ProblemNote } from '@/parts/problem'
import { Button } from '@/ui/button'
import { DialogButtons } from '@/ui/dialog'
import { REASON, ReasonField } from './moderate-reason'
import { PublicWarning } from './moderate-warning'

/** The end of every action: what of it is public, why, and the button. `check` says whether the rest of the form is filled in. */
export function ModerateForm(props: {
  id: string
  action: ActionKind
  target: string
  check?: () => boolean
  onClose: () => void
  children?: ReactNode
}) {
  const { id, action, target, check, onClose, children } = props
  const { t } = useTranslation(['moderation', 'common'])
  const [reason, setReason] = useState('')
  const acting = useWrite(act, { said: t(`dialog.${action}.said`), concerns: [keyOf(id)], after: onClose, quiet: true })
  const submit = (event: React.FormEvent) => {
    event.preventDefault()
    if ((check && !check()) || !fits(reason, REASON) || acting.isPending) return
    acting.mutate({ community: id, action, target, reason: reason.trim() || undefined })
  }
  const severe = action === 'hide_post' || action === 'block_user'
  return (
    <form onSubmit={submit} noValidate className="grid gap-4">
      {children}
      <PublicWarning />
      <ReasonField value={reason} onChange={setReason} />
      <ProblemNote cause={acting.error} />
      <DialogButtons>
        <Button kind="secondary" onClick={onClose}>
          {t('common:cancel')}
        </Button>
        <Button type="submit" kind={severe ? 'destructive' : 'primary'} busy={acting.isPending}>
          {t(`kind.${action}`)}
        </Button>
      </DialogButtons>
    </form>
  )
}

import { useTranslation } from 'react-i18next'
import { keyOf } from '@/api/communities'
import { type Action, undo } from '@/api/moderation'
import { useWrite } from '@/parts/change'
import { ProblemNote } from '@/parts/problem'
import { Button } from '@/ui/button'
import { Dialog, DialogButtons } from '@/ui/dialog'

/** What taking an action back will change, before it is done. */
export function UndoDialog({ id, action, onClose }: { id: string; action: Action | null; onClose: () => void }) {
  const { t } = useTranslation('moderation')
  return (
    <Dialog open={action !== null} onOpenChange={(open) => open || onClose()} title={t('undo.title')}>
      {action && <Undo id={id} action={action} onClose={onClose} />}
    </Dialog>
  )
}

function Undo({ id, action, onClose }: { id: string; action: Action; onClose: () => void }) {
  const { t } = useTranslation(['moderation', 'common'])
  const undoing = useWrite(undo, { said: t('undo.said'), concerns: [keyOf(id)], after: onClose, quiet: true })
  return (
    <>
      <div className="grid gap-3 text-sm">
        <p>{t(action.decides ? `undo.${action.action}` : 'undo.idle')}</p>
        <p>{t('undo.record')}</p>
      </div>
      <ProblemNote cause={undoing.error} />
      <DialogButtons>
        <Button kind="secondary" onClick={onClose}>
          {t('common:cancel')}
        </Button>
        <Button kind="destructive" busy={undoing.isPending} onClick={() => undoing.mutate(action.rkey)}>
          {t('undo.button')}
        </Button>
      </DialogButtons>
    </>
  )
}

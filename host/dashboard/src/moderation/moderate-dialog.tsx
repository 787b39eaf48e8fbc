import { useTranslation } from 'react-i18next'
import type { Wish } from '@/posts/post-menu'
import { Dialog } from '@/ui/dialog'
import { ModerateForm } from './moderate-form'

/** Asks for a reason and shows what becomes public, before an action on a known post or person is written. */
export function ModerateDialog({ id, wish, onClose }: { id: string; wish: Wish | null; onClose: () => void }) {
  const { t } = useTranslation('moderation')
  return (
    <Dialog
      open={wish !== null}
      onOpenChange={(open) => open || onClose()}
      title={wish && t(`dialog.${wish.action}.title`, { who: wish.who })}
      description={wish && t(`dialog.${wish.action}.text`)}
    >
      {wish && <ModerateForm id={id} action={wish.action} target={wish.target} onClose={onClose} />}
    </Dialog>
  )
}

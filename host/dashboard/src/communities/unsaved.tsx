import { useBlocker } from '@tanstack/react-router'
import { useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '@/ui/button'
import { Dialog, DialogButtons } from '@/ui/dialog'

/** Asks before a page is left whose changes would be lost. After `letGo` nobody is asked any more. */
export function useUnsaved(dirty: boolean) {
  const free = useRef(false)
  const blocker = useBlocker({
    // Who has signed out can't save any more.
    shouldBlockFn: ({ current, next }) => dirty && !free.current && next.pathname !== current.pathname && next.pathname !== '/sign-in',
    enableBeforeUnload: () => dirty && !free.current,
    withResolver: true,
  })
  const letGo = () => {
    free.current = true
  }
  const question = blocker.status === 'blocked' && <Question stay={blocker.reset} go={blocker.proceed} />
  return { letGo, question }
}

function Question({ stay, go }: { stay: () => void; go: () => void }) {
  const { t } = useTranslation('communities')
  return (
    <Dialog open onOpenChange={stay} title={t('leave.title')} description={t('leave.hint')}>
      <DialogButtons>
        <Button kind="secondary" onClick={stay}>
          {t('leave.stay')}
        </Button>
        <Button kind="destructive" onClick={go}>
          {t('leave.go')}
        </Button>
      </DialogButtons>
    </Dialog>
  )
}

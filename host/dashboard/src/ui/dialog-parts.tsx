import { X } from 'lucide-react'
import { Dialog as Radix } from 'radix-ui'
import { useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from './button'
import type { DialogProps } from './dialog'

export function Dialog(props: DialogProps) {
  const { open, onOpenChange, title, description, children } = props
  const { t } = useTranslation()
  // The library gives the focus back to a trigger of its own alone, which these dialogs don't have.
  const before = useRef<Element | null>(null)
  const giveBack = (event: Event) => {
    event.preventDefault()
    if (before.current instanceof HTMLElement) before.current.focus()
  }
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-40 bg-black/50" />
        <Radix.Content
          onOpenAutoFocus={() => {
            before.current = document.activeElement
          }}
          onCloseAutoFocus={giveBack}
          {...(description ? {} : { 'aria-describedby': undefined })}
          className="fixed top-1/2 left-1/2 z-50 grid max-h-[90dvh] w-[min(32rem,calc(100vw-2rem))] -translate-x-1/2 -translate-y-1/2 gap-4 overflow-y-auto rounded-2xl border bg-card p-6 shadow-xl"
        >
          <div className="grid gap-1.5 pr-8">
            <Radix.Title className="text-xl font-semibold">{title}</Radix.Title>
            {description && <Radix.Description className="text-sm text-muted-foreground">{description}</Radix.Description>}
          </div>
          {children}
          <Radix.Close asChild>
            <Button kind="ghost" size="icon" className="absolute top-3 right-3" aria-label={t('close')}>
              <X aria-hidden />
            </Button>
          </Radix.Close>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  )
}

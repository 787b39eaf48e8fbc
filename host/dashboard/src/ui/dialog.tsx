import type { ReactNode } from 'react'
import { later, useLater } from './later'

const code = later(() => import('./dialog-parts'))

export type DialogProps = {
  open: boolean
  onOpenChange: (open: boolean) => void
  title: ReactNode
  description?: ReactNode
  children: ReactNode
}

/** Something that is asked or shown over the page. It traps the focus, and gives it back. */
export function Dialog(props: DialogProps) {
  const parts = useLater(code, props.open)
  return parts && <parts.Dialog {...props} />
}

/** The buttons below a dialog, the one that does it last. */
export function DialogButtons({ children }: { children: ReactNode }) {
  return <div className="flex flex-wrap justify-end gap-2">{children}</div>
}

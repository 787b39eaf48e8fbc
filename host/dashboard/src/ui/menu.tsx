import { type ComponentProps, type ReactNode, useRef, useState } from 'react'
import { Button, type ButtonProps } from './button'
import { later } from './later'

const code = later(() => import('./menu-parts'))
export type MenuParts = NonNullable<typeof code.parts>

/**
 * A button that opens a list of things to do. Until somebody wants the list there is only its button: a key that leads to it brings the list, a
 * press opens it at once.
 */
export function Menu({ button, children }: { button: ButtonProps; children: (parts: MenuParts) => ReactNode }) {
  const [near, setNear] = useState<'no' | 'key' | 'press'>('no')
  const own = useRef<HTMLButtonElement>(null)
  const bring = (how: 'key' | 'press') => {
    if (code.parts) return setNear(how)
    void code.load().then(() => {
      // Who has gone on meanwhile isn't called back.
      if (how === 'press' || document.activeElement === own.current) setNear(how)
    })
  }
  if (near === 'no' || !code.parts) {
    const handlers: ComponentProps<'button'> = {
      onFocus: (event) => event.target.matches(':focus-visible') && bring('key'),
      onPointerDown: (event) => {
        if (event.pointerType !== 'mouse' || event.button !== 0) return
        // The focus goes to the list's own button, and so does the rest of the press.
        event.preventDefault()
        bring('press')
      },
      onClick: () => bring('press'),
    }
    return <Button {...button} {...handlers} ref={own} aria-haspopup="menu" aria-expanded={false} />
  }
  const { List } = code.parts
  return (
    <List button={<Button {...button} autoFocus={near === 'key'} />} defaultOpen={near === 'press'}>
      {children(code.parts)}
    </List>
  )
}

import { Tooltip as Radix } from 'radix-ui'
import type { ReactNode } from 'react'

/** A word over a control whose name can't be seen. What matters must not stand here alone: on a phone nobody sees it. */
export function Tooltip({ text, children }: { text: ReactNode; children: ReactNode }) {
  return (
    <Radix.Provider delayDuration={400}>
      <Radix.Root>
        <Radix.Trigger asChild>{children}</Radix.Trigger>
        <Radix.Portal>
          <Radix.Content sideOffset={6} className="z-50 max-w-72 rounded-lg bg-foreground px-3 py-1.5 text-xs text-background">
            {text}
          </Radix.Content>
        </Radix.Portal>
      </Radix.Root>
    </Radix.Provider>
  )
}

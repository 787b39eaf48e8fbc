import { DropdownMenu as Radix } from 'radix-ui'
import { createContext, type ReactNode, useContext, useRef } from 'react'
import { classes } from './classes'

const Trigger = createContext<{ current: HTMLButtonElement | null }>({ current: null })

/** The list, and the button that opens it. */
export function List({ button, defaultOpen, children }: { button: ReactNode; defaultOpen: boolean; children: ReactNode }) {
  const trigger = useRef<HTMLButtonElement>(null)
  return (
    <Radix.Root modal={false} defaultOpen={defaultOpen}>
      <Radix.Trigger asChild ref={trigger}>
        {button}
      </Radix.Trigger>
      <Radix.Portal>
        <Radix.Content align="end" sideOffset={6} className="z-50 min-w-44 rounded-xl border bg-card p-1.5 shadow-lg">
          <Trigger value={trigger}>{children}</Trigger>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  )
}

const item = 'flex cursor-default items-center gap-2 rounded-lg px-3 py-2 text-sm outline-none data-[highlighted]:bg-muted [&_svg]:size-4'

export function Item({
  onSelect,
  destructive = false,
  asChild,
  children,
}: {
  onSelect?: () => void
  destructive?: boolean
  asChild?: boolean
  children: ReactNode
}) {
  const trigger = useContext(Trigger)
  // The item is gone in a moment: a dialog that it opens gives the focus back to the button.
  const select =
    onSelect &&
    (() => {
      trigger.current?.focus()
      onSelect()
    })
  return (
    <Radix.Item asChild={asChild} onSelect={select} className={classes(item, destructive && 'text-destructive')}>
      {children}
    </Radix.Item>
  )
}

export function Choice({
  value,
  onChange,
  choices,
}: {
  value: string
  onChange: (value: string) => void
  choices: { value: string; label: string }[]
}) {
  return (
    <Radix.RadioGroup value={value} onValueChange={onChange}>
      {choices.map((choice) => (
        <Radix.RadioItem
          key={choice.value}
          value={choice.value}
          className={classes(item, 'data-[state=checked]:font-semibold data-[state=checked]:text-primary')}
        >
          <Radix.ItemIndicator className="w-3">•</Radix.ItemIndicator>
          <span className="[[data-state=unchecked]>&]:ml-5">{choice.label}</span>
        </Radix.RadioItem>
      ))}
    </Radix.RadioGroup>
  )
}

export function Label({ children }: { children: ReactNode }) {
  return <Radix.Label className="px-3 pt-2 pb-1 text-xs font-medium text-muted-foreground">{children}</Radix.Label>
}

export function Line() {
  return <Radix.Separator className="my-1 h-px bg-border" />
}

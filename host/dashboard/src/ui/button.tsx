import { cva, type VariantProps } from 'class-variance-authority'
import { Slot } from 'radix-ui'
import type { ComponentProps } from 'react'
import { classes } from './classes'
import { Spinner } from './spinner'

const look = cva(
  'inline-flex items-center justify-center gap-2 rounded-lg font-medium whitespace-nowrap transition-colors select-none disabled:opacity-60 aria-disabled:opacity-60 [&_svg]:size-4 [&_svg]:shrink-0',
  {
    variants: {
      kind: {
        primary: 'bg-primary text-primary-foreground hover:bg-primary/90',
        secondary: 'border border-input bg-card hover:bg-muted',
        ghost: 'hover:bg-muted',
        destructive: 'bg-destructive text-destructive-foreground hover:bg-destructive/90',
        link: 'text-primary underline underline-offset-4 hover:no-underline',
      },
      size: { medium: 'h-10 px-4 text-sm', small: 'h-8 px-3 text-sm', icon: 'size-10', tight: 'h-auto p-0' },
    },
    defaultVariants: { kind: 'primary', size: 'medium' },
  },
)

export type ButtonProps = ComponentProps<'button'> &
  VariantProps<typeof look> & {
    /** The only child becomes the button, such as a link. */
    asChild?: boolean
    /** What it began is not done yet. It can't be pressed again, and keeps its place and the focus. */
    busy?: boolean
  }

export function Button({ asChild, busy = false, kind, size, className, children, onClick, ...rest }: ButtonProps) {
  const shared = { className: classes(look({ kind, size }), className), ...rest }
  if (asChild) return <Slot.Root {...shared}>{children}</Slot.Root>
  return (
    <button
      type="button"
      {...shared}
      onClick={busy ? (event) => event.preventDefault() : onClick}
      aria-disabled={busy || rest['aria-disabled']}
    >
      {busy && <Spinner />}
      {children}
    </button>
  )
}

import { cva, type VariantProps } from 'class-variance-authority'
import type { ComponentProps } from 'react'
import { classes } from './classes'

const look = cva('inline-flex items-center gap-1 rounded-full px-2.5 py-0.5 text-xs font-medium whitespace-nowrap [&_svg]:size-3', {
  variants: {
    kind: {
      plain: 'bg-muted text-muted-foreground',
      accent: 'bg-accent text-accent-foreground',
      warning: 'bg-warning text-warning-foreground',
      destructive: 'bg-destructive text-destructive-foreground',
    },
  },
  defaultVariants: { kind: 'plain' },
})

export function Badge({ kind, className, ...rest }: ComponentProps<'span'> & VariantProps<typeof look>) {
  return <span className={classes(look({ kind }), className)} {...rest} />
}

import type { ComponentProps } from 'react'
import { classes } from './classes'

export function Card({ className, ...rest }: ComponentProps<'section'>) {
  return <section className={classes('rounded-2xl border bg-card p-5', className)} {...rest} />
}

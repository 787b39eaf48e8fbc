import type { ComponentProps, ReactNode } from 'react'
import { useId } from 'react'
import { classes } from './classes'

const box =
  'w-full rounded-lg border border-input bg-card px-3 text-sm placeholder:text-muted-foreground aria-invalid:border-destructive disabled:opacity-60'

export function Input({ className, ...rest }: ComponentProps<'input'>) {
  return <input className={classes(box, 'h-10', className)} {...rest} />
}

export function Textarea({ className, ...rest }: ComponentProps<'textarea'>) {
  return <textarea className={classes(box, 'min-h-20 py-2', className)} {...rest} />
}

/** The browser's own list of choices, which works everywhere. */
export function Select({ className, ...rest }: ComponentProps<'select'>) {
  return <select className={classes(box, 'h-10', className)} {...rest} />
}

type Described = { id: string; 'aria-describedby'?: string; 'aria-invalid'?: boolean; required?: boolean }

/** A control with its name, what it means, and what is wrong with it. */
export function Field(props: {
  label: ReactNode
  hint?: ReactNode
  error?: ReactNode
  required?: boolean
  className?: string
  children: (control: Described) => ReactNode
}) {
  const { label, hint, error, required, className, children } = props
  const id = useId()
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ')
  return (
    <div className={classes('grid gap-1.5', className)}>
      <label htmlFor={id} className="text-sm font-medium">
        {label}
      </label>
      {children({ id, 'aria-describedby': described || undefined, 'aria-invalid': error ? true : undefined, required })}
      {hint && (
        <p id={`${id}-hint`} className="text-sm text-muted-foreground">
          {hint}
        </p>
      )}
      {error && (
        <p id={`${id}-error`} role="alert" className="text-sm text-destructive">
          {error}
        </p>
      )}
    </div>
  )
}

import { useTranslation } from 'react-i18next'
import { Field, Input, Textarea } from '@/ui/field'
import { type Bound, left } from './letters'

/** A text of which so many letters are left. */
export function CountedField(props: {
  label: string
  hint?: string
  bound: Bound
  value: string
  onChange: (value: string) => void
  error?: string
  required?: boolean
  long?: boolean
}) {
  const { label, hint, bound, value, onChange, error, required, long = false } = props
  const { t } = useTranslation('communities')
  const rest = left(value, bound)
  const explained = (
    <span className="flex flex-wrap justify-between gap-x-4">
      <span>{hint}</span>
      <span className="tabular-nums">{t(rest < 0 ? 'form.over' : 'form.left', { count: Math.abs(rest) })}</span>
    </span>
  )
  const change = (event: { target: { value: string } }) => onChange(event.target.value)
  return (
    <Field label={label} hint={explained} error={error} required={required}>
      {(control) =>
        long ? (
          <Textarea {...control} value={value} onChange={change} rows={4} className="text-base sm:text-sm" />
        ) : (
          <Input {...control} value={value} onChange={change} autoComplete="off" className="text-base sm:text-sm" />
        )
      }
    </Field>
  )
}

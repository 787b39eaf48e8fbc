import { useTranslation } from 'react-i18next'
import { type Bound, fits, letters } from '@/communities/letters'
import { Button } from '@/ui/button'
import { Field, Textarea } from '@/ui/field'

export const REASON: Bound = { letters: 300, bytes: 3_000 }

const SUGGESTED = ['spam', 'topic', 'twice', 'rules'] as const

/** Why, for everybody to read; or one of the reasons that say enough. */
export function ReasonField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const { t } = useTranslation('moderation')
  const count = { now: letters(value.trim()), most: REASON.letters }
  const tooLong = !fits(value, REASON)
  return (
    <div className="grid gap-2">
      <Field
        label={t('form.reason')}
        hint={tooLong ? undefined : t('form.letters', count)}
        error={tooLong ? t('form.tooLong', count) : undefined}
      >
        {(control) => <Textarea {...control} rows={2} value={value} onChange={(event) => onChange(event.target.value)} />}
      </Field>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for fields, and these are buttons */}
      <div role="group" aria-label={t('form.suggestions')} className="flex flex-wrap gap-2">
        {SUGGESTED.map((name) => (
          <Button key={name} kind="secondary" size="small" onClick={() => onChange(t(`form.suggested.${name}`))}>
            {t(`form.suggested.${name}`)}
          </Button>
        ))}
      </div>
    </div>
  )
}

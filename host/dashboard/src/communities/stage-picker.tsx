import { useId } from 'react'
import { useTranslation } from 'react-i18next'
import type { Stage } from '@/api/communities'

const STAGES = ['theme', 'community', 'graduated'] as const

/** How far a community has come, with what each stage means. */
export function StagePicker({ stage, onChange }: { stage: Stage; onChange: (stage: Stage) => void }) {
  const { t } = useTranslation(['communities', 'common'])
  const id = useId()
  return (
    <fieldset className="grid gap-1.5">
      <legend className="mb-1.5 text-sm font-medium">{t('form.stage')}</legend>
      <div className="grid gap-2 sm:grid-cols-3">
        {STAGES.map((choice) => (
          <label
            key={choice}
            className="flex cursor-pointer items-start gap-3 rounded-lg border border-input bg-card p-3 has-checked:border-primary has-checked:bg-accent has-checked:text-accent-foreground has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-ring"
          >
            <input
              type="radio"
              name={id}
              value={choice}
              checked={choice === stage}
              onChange={() => onChange(choice)}
              aria-labelledby={`${id}-${choice}`}
              aria-describedby={`${id}-${choice}-hint`}
              className="mt-1 size-4 shrink-0 accent-primary outline-none"
            />
            <span className="grid gap-0.5 text-sm">
              <span id={`${id}-${choice}`} className="font-medium">
                {t(`common:stage.${choice}`)}
              </span>
              <span id={`${id}-${choice}-hint`}>{t(`common:stageHint.${choice}`)}</span>
            </span>
          </label>
        ))}
      </div>
      <p className="text-sm text-muted-foreground">{t('form.stageHint')}</p>
    </fieldset>
  )
}

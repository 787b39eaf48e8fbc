import { useTranslation } from 'react-i18next'
import { useSentence } from '@/parts/problem'
import { counting, type Draft, type Fault, type Faults, refusedField, withheld } from './community-draft'
import { CountedField } from './counted-field'
import { DESCRIPTION, FEED_NAME, left, NAME } from './letters'
import { MixRatio } from './mix-ratio'
import { ParentPicker } from './parent-picker'
import { StagePicker } from './stage-picker'

/** What its owner says of a community, whether it is new or not. */
export function CommunityFields(props: {
  draft: Draft
  onChange: (change: Partial<Draft>) => void
  faults: Faults
  /** Whether it was sent, or tried to be: nobody is told what is missing before. */
  tried: boolean
  /** Why it was refused, which is said at the field that it is about. */
  refused: unknown
  /** Its own AT-URI. */
  self?: string
}) {
  const { draft, onChange, faults, tried, refused, self } = props
  const { t } = useTranslation('communities')
  const sentence = useSentence()
  const field = refusedField(refused)
  const error = (name: 'name' | 'description') => {
    const fault = faults[name]
    if (fault && (tried || fault !== 'missing')) return said(fault, name)
    return field === name ? sentence(refused) : undefined
  }
  const said = (fault: Fault, name: 'name' | 'description') => {
    if (fault === 'missing') return t('form.nameMissing')
    if (fault === 'tooLarge') return t('form.tooLarge')
    return t('form.over', { count: -left(draft[name], name === 'name' ? NAME : DESCRIPTION) })
  }
  return (
    <div className="grid gap-8 [&_:is(input,textarea,button)]:scroll-my-24">
      <CountedField
        label={t('form.name')}
        hint={left(draft.name, { ...NAME, letters: FEED_NAME }) < 0 ? t('form.nameCut', { count: FEED_NAME }) : undefined}
        bound={NAME}
        value={draft.name}
        onChange={(name) => onChange({ name })}
        error={error('name')}
        required
      />
      <CountedField
        label={t('form.description')}
        hint={t('form.descriptionHint')}
        bound={DESCRIPTION}
        value={draft.description}
        onChange={(description) => onChange({ description })}
        error={error('description')}
        long
      />
      <StagePicker stage={draft.stage} onChange={(stage) => onChange({ stage })} />
      <ParentPicker parent={draft.parent} self={self} onChange={(parent) => onChange({ parent })} />
      <MixRatio shares={counting(draft)} withheld={withheld(draft)} onChange={(shares) => onChange({ shares })} />
    </div>
  )
}

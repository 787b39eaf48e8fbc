import { useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { ActionKind } from '@/api/moderation'
import { handleOf } from '@/session/handle'
import { Dialog } from '@/ui/dialog'
import { Field, Input, Select } from '@/ui/field'
import { ModerateForm } from './moderate-form'

const KINDS: ActionKind[] = ['hide_post', 'unhide_post', 'block_user', 'unblock_user']

/** An action on whatever somebody has a link or a handle of. */
export function ModerateAnything({ id, open, onClose }: { id: string; open: boolean; onClose: () => void }) {
  const { t } = useTranslation('moderation')
  return (
    <Dialog open={open} onOpenChange={(open) => open || onClose()} title={t('form.title')} description={t('form.text')}>
      {open && <Anything id={id} onClose={onClose} />}
    </Dialog>
  )
}

function Anything({ id, onClose }: { id: string; onClose: () => void }) {
  const { t } = useTranslation('moderation')
  const [action, setAction] = useState<ActionKind>('hide_post')
  const [target, setTarget] = useState('')
  const [missing, setMissing] = useState(false)
  const box = useId()
  const aim = action === 'hide_post' || action === 'unhide_post' ? 'post' : 'person'
  const check = () => {
    const there = target.trim() !== ''
    setMissing(!there)
    if (!there) document.getElementById(box)?.querySelector('input')?.focus()
    return there
  }
  return (
    <ModerateForm id={id} action={action} target={aim === 'person' ? handleOf(target) : target.trim()} check={check} onClose={onClose}>
      <Field label={t('form.kind')}>
        {(control) => (
          <Select
            {...control}
            value={action}
            onChange={(event) => setAction(KINDS.find((kind) => kind === event.target.value) ?? 'hide_post')}
          >
            {KINDS.map((kind) => (
              <option key={kind} value={kind}>
                {t(`form.choice.${kind}`)}
              </option>
            ))}
          </Select>
        )}
      </Field>
      <div id={box}>
        <Field label={t(`form.${aim}`)} hint={t(`form.${aim}Hint`)} error={missing && t(`form.${aim}Missing`)} required>
          {(control) => (
            <Input
              {...control}
              value={target}
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
              maxLength={1024}
              onChange={(event) => {
                setTarget(event.target.value)
                setMissing(false)
              }}
            />
          )}
        </Field>
      </div>
    </ModerateForm>
  )
}

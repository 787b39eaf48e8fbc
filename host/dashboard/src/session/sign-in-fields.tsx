import { useTranslation } from 'react-i18next'
import { Field, Input } from '@/ui/field'

type Part = { value: string; onChange: (value: string) => void; error?: string | false }

const FORM = 'xxxx-xxxx-xxxx-xxxx'

/** Whether it looks like the beginning of an app password. Said while it is typed: a note that came later would push the button away. */
const looksRight = (text: string) =>
  text.length <= FORM.length && [...text].every((sign, at) => (FORM[at] === '-' ? sign === '-' : /[a-z0-9]/i.test(sign)))

/** It takes the focus where the field before it is filled in already. */
export function Password({ value, onChange, error, focused }: Part & { focused: boolean }) {
  const { t } = useTranslation('account')
  return (
    <Field
      label={t('signIn.password')}
      hint={t('signIn.passwordHint')}
      error={error || (!looksRight(value.trim()) && t('signIn.passwordOdd'))}
      required
    >
      {(control) => (
        <Input
          {...control}
          type="password"
          name="password"
          value={value}
          onChange={(event) => onChange(event.target.value)}
          maxLength={256}
          autoComplete="current-password"
          autoFocus={focused}
          className="text-base"
        />
      )}
    </Field>
  )
}

/** It appears when the server has asked for it, and takes the focus: so it is read out, too. */
export function Code({ value, onChange, error }: Part) {
  const { t } = useTranslation('account')
  return (
    <Field label={t('signIn.code')} hint={t('signIn.codeHint')} error={error} required>
      {(control) => (
        <Input
          {...control}
          name="code"
          value={value}
          onChange={(event) => onChange(event.target.value)}
          maxLength={64}
          autoComplete="one-time-code"
          autoCapitalize="characters"
          spellCheck={false}
          autoFocus
          className="font-mono text-base"
        />
      )}
    </Field>
  )
}

import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Field, Input } from '@/ui/field'

type Part = { value: string; onChange: (value: string) => void; error?: string | false }

const APP_PASSWORD = /^[a-z0-9]{4}(-[a-z0-9]{4}){3}$/i

/** It takes the focus where the field before it is filled in already. */
export function Password({ value, onChange, error, focused }: Part & { focused: boolean }) {
  const { t } = useTranslation('account')
  const [left, setLeft] = useState(false)
  const odd = left && value.trim() !== '' && !APP_PASSWORD.test(value.trim())
  return (
    <Field label={t('signIn.password')} hint={t('signIn.passwordHint')} error={error || (odd && t('signIn.passwordOdd'))} required>
      {(control) => (
        <Input
          {...control}
          type="password"
          name="password"
          value={value}
          onChange={(event) => onChange(event.target.value)}
          onFocus={() => setLeft(false)}
          onBlur={() => setLeft(true)}
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

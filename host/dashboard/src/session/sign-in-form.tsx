import { useQueryClient } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'
import { type SubmitEvent, useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Problem } from '@/api/problem'
import { oauthAddress, signInWithPassword, startQuery } from '@/api/session'
import { useChange } from '@/parts/change'
import { ProblemNote } from '@/parts/problem'
import { Button } from '@/ui/button'
import { Field, Input } from '@/ui/field'
import { handleOf, isHandle } from './handle'
import { Code, Password } from './sign-in-fields'

/** Signing in at one's own server; or here with an app password, where that is allowed. */
export function SignInForm({ returnTo, appPasswords }: { returnTo: string; appPasswords: boolean }) {
  const { t } = useTranslation('account')
  const [handle, setHandle] = useState('')
  const [password, setPassword] = useState('')
  const [code, setCode] = useState('')
  const [here, setHere] = useState(false)
  const [tried, setTried] = useState(false)
  const [leaving, setLeaving] = useLeaving()
  const finish = useFinish(returnTo)
  const login = useChange(signInWithPassword, { after: finish, quiet: true })
  const wantsCode = login.error instanceof Problem && login.error.name === 'AuthFactorTokenRequired'
  // Once it was asked for, it is asked for until somebody else signs in.
  const [codeAsked, setCodeAsked] = useState(false)
  if (wantsCode && !codeAsked) {
    setCodeAsked(true)
    setTried(false)
  }
  const refused = wantsCode && !login.variables?.authFactorToken ? null : login.error

  const busy = login.isPending || login.isSuccess || leaving

  const name = handleOf(handle)
  const wrong = {
    handle: name === '' ? t('signIn.handleMissing') : !isHandle(name) && t('signIn.handleWrong'),
    password: here && password.trim() === '' && t('signIn.passwordMissing'),
    code: here && codeAsked && code.trim() === '' && t('signIn.codeMissing'),
  }
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault()
    if (busy) return
    setTried(true)
    const first = (['handle', 'password', 'code'] as const).find((field) => wrong[field])
    if (first) return event.currentTarget.querySelector<HTMLInputElement>(`[name="${first}"]`)?.focus()
    if (here) {
      login.mutate({ identifier: name, password: password.trim(), authFactorToken: code.trim() || undefined })
    } else {
      setLeaving(true)
      location.assign(oauthAddress(name, returnTo))
    }
  }
  const another = (handle: string) => {
    setHandle(handle)
    setCodeAsked(false)
    setCode('')
    login.reset()
  }
  const turn = () => {
    setHere(!here)
    setTried(false)
    login.reset()
  }

  return (
    <form onSubmit={submit} noValidate className="grid gap-5">
      <Field label={t('signIn.handle')} hint={t('signIn.handleHint')} error={tried && wrong.handle} required>
        {(control) => (
          <Input
            {...control}
            name="handle"
            value={handle}
            onChange={(event) => another(event.target.value)}
            maxLength={256}
            autoComplete="username"
            autoCapitalize="none"
            autoCorrect="off"
            spellCheck={false}
            className="text-base"
          />
        )}
      </Field>
      {here && <Password value={password} onChange={setPassword} error={tried && wrong.password} focused={name !== ''} />}
      {here && codeAsked && <Code value={code} onChange={setCode} error={tried && wrong.code} />}
      {refused && <Refused cause={refused} withCode={codeAsked} />}
      <Button type="submit" busy={busy} className="w-full">
        {t(leaving ? 'signIn.leaving' : 'signIn.submit')}
      </Button>
      {!here && <p className="text-sm text-muted-foreground">{t('signIn.how')}</p>}
      {appPasswords && (
        <Button kind="link" size="tight" className="min-h-6 justify-self-start whitespace-normal" onClick={turn}>
          {t(here ? 'signIn.withServer' : 'signIn.withPassword')}
        </Button>
      )}
    </form>
  )
}

/** What is said here of answers with these statuses; the program's sentences are for anybody who signs in. */
const SAID: Record<number, 'wrong' | 'off' | 'unknown'> = { 401: 'wrong', 403: 'off', 404: 'unknown' }

function Refused({ cause, withCode }: { cause: Error; withCode: boolean }) {
  const { t } = useTranslation('account')
  const known = cause instanceof Problem && SAID[cause.status]
  if (!known) return <ProblemNote cause={cause} />
  return (
    <p role="alert" className="rounded-lg border border-destructive p-3 text-sm text-destructive">
      {t(`signIn.${known === 'wrong' && withCode ? 'wrongCode' : known}`)}
    </p>
  )
}

/** Whether the browser is on its way to another server. Who comes back by the browser's button finds the page as it was left. */
function useLeaving() {
  const [leaving, setLeaving] = useState(false)
  useEffect(() => {
    const back = () => setLeaving(false)
    addEventListener('pageshow', back)
    return () => removeEventListener('pageshow', back)
  }, [])
  return [leaving, setLeaving] as const
}

function useFinish(returnTo: string) {
  const queries = useQueryClient()
  const router = useRouter()
  return () =>
    void queries.fetchQuery({ ...startQuery, staleTime: 0 }).then(
      () => router.history.replace(returnTo),
      // Whoever it is now, the page finds out when it is loaded again.
      () => location.assign(returnTo),
    )
}

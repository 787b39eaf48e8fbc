import { type FormEvent, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { liftLimits } from '@/api/operator'
import { useChange } from '@/parts/change'
import { ProblemNote } from '@/parts/problem'
import { Button } from '@/ui/button'
import { Card } from '@/ui/card'
import { Field, Input } from '@/ui/field'

/** Looks like a DID, or an address of IPv4 or IPv6; the program knows for sure. */
const IS_SOMEBODY = /^(did:[a-z]+:\S+|\d{1,3}(\.\d{1,3}){3}|[0-9a-f]*:[0-9a-f:.]+)$/i

/** For an operator to help who was told to wait. */
export function Lift() {
  const { t } = useTranslation('operator')
  const [who, setWho] = useState('')
  const [wrong, setWrong] = useState(false)
  const lift = useChange(liftLimits, { quiet: true, after: () => setWho('') })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const somebody = who.trim()
    const known = IS_SOMEBODY.test(somebody)
    setWrong(!known)
    lift.reset()
    if (known && !lift.isPending) lift.mutate(somebody)
  }
  return (
    <Card aria-labelledby="lift" className="grid grid-cols-1 gap-4">
      <div className="grid gap-1">
        <h2 id="lift" className="text-lg font-semibold">
          {t('lift.title')}
        </h2>
        <p className="max-w-prose text-sm text-muted-foreground">{t('lift.hint')}</p>
      </div>
      <form onSubmit={submit} noValidate className="grid max-w-xl gap-3">
        <Field label={t('lift.who')} hint={t('lift.whoHint')} error={wrong && t('lift.wrong')} required>
          {(control) => (
            <Input
              {...control}
              value={who}
              onChange={(event) => {
                setWho(event.target.value)
                setWrong(false)
              }}
              placeholder="did:plc:…"
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
            />
          )}
        </Field>
        <ProblemNote cause={lift.error} />
        <div className="flex flex-wrap items-center gap-3">
          <Button type="submit" kind="secondary" busy={lift.isPending}>
            {t('lift.do')}
          </Button>
          <p role="status" className="text-sm">
            {lift.data && t('lift.done', { who: lift.data.lifted })}
          </p>
        </div>
      </form>
    </Card>
  )
}

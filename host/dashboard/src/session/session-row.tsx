import { Monitor, Smartphone, Terminal } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import type { Session } from '@/api/session'
import { Time } from '@/parts/time'
import { Badge } from '@/ui/badge'
import { Button } from '@/ui/button'
import { clientOf } from './client-name'

const ICONS = { phone: Smartphone, computer: Monitor, script: Terminal }

/** A place where one is signed in. */
export function SessionRow({ session, busy, onEnd }: { session: Session; busy: boolean; onEnd: () => void }) {
  const { t } = useTranslation('account')
  const client = clientOf(session.client)
  const Icon = ICONS[client?.kind ?? 'script']
  const name = client ? (client.system ? t('on', { program: client.program, system: client.system }) : client.program) : t('unnamed')
  return (
    <li className="flex flex-wrap items-start gap-x-4 gap-y-3 rounded-2xl border bg-card p-4 sm:flex-nowrap">
      <span className="grid size-10 shrink-0 place-items-center rounded-full bg-muted text-muted-foreground [&_svg]:size-5">
        <Icon aria-hidden />
      </span>
      <div className="grid min-w-0 flex-1 gap-1 max-sm:basis-3/4">
        <h2 className="flex flex-wrap items-center gap-x-3 gap-y-1 font-sans font-semibold">
          {name}
          {session.current && <Badge kind="accent">{t('current')}</Badge>}
        </h2>
        <p className="text-sm">{t(`method.${session.method}`)}</p>
        <dl className="flex flex-wrap gap-x-5 text-sm text-muted-foreground [&_dt]:whitespace-nowrap [&>div]:flex [&>div]:gap-1.5">
          <div>
            <dt>{t('used')}</dt>
            <dd>
              <Time at={session.lastUsedAt} />
            </dd>
          </div>
          <div>
            <dt>{t('opened')}</dt>
            <dd>
              <Time at={session.createdAt} />
            </dd>
          </div>
        </dl>
        {session.client && <p className="font-mono text-xs text-muted-foreground">{session.client}</p>}
      </div>
      <Button
        kind="secondary"
        size="small"
        busy={busy}
        onClick={onEnd}
        aria-label={session.current ? undefined : t('endOf', { name })}
        className="max-sm:ml-14"
      >
        {t(session.current ? 'signOut' : 'end')}
      </Button>
    </li>
  )
}

import { ScrollText } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { MixLogLine } from '@/api/mixes'
import { Empty } from '@/parts/empty'
import { short } from '@/parts/person'
import { Time } from '@/parts/time'
import { Badge } from '@/ui/badge'
import { Button } from '@/ui/button'
import { Card } from '@/ui/card'
import { classes } from '@/ui/classes'
import { MixChoice } from './mix-choice'

type Kind = MixLogLine['kind']
type Filter = 'all' | 'failures' | 'said'

const TROUBLE: readonly Kind[] = ['failed', 'busy', 'paused', 'switched-off']

const SHOWS: Record<Filter, (kind: Kind) => boolean> = {
  all: () => true,
  failures: (kind) => TROUBLE.includes(kind),
  said: (kind) => kind === 'said',
}

/** Lines at a time. */
const STEP = 20

/** What became of a community's mixes, the newest first. */
export function MixLog({ lines, me }: { lines: MixLogLine[]; me?: string }) {
  const { t } = useTranslation(['mixes', 'common'])
  const [filter, setFilter] = useState<Filter>('all')
  const [most, setMost] = useState(STEP)
  const wanted = lines.filter(({ kind }) => SHOWS[filter](kind))
  return (
    <div className="grid gap-3">
      <MixChoice
        name={t('log.filter')}
        value={filter}
        onChange={(filter) => {
          setFilter(filter)
          setMost(STEP)
        }}
        choices={[
          ['all', t('log.all')],
          ['failures', t('log.failures')],
          ['said', t('log.said')],
        ]}
      />
      {wanted.length === 0 ? (
        <Nothing filter={filter} />
      ) : (
        <Card className="p-0">
          <ol className="divide-y">
            {wanted.slice(0, most).map((line) => (
              <Line key={`${line.kind} ${line.version} ${line.firstAt} ${line.text}`} line={line} me={me} />
            ))}
          </ol>
        </Card>
      )}
      {wanted.length > most && (
        <Button kind="secondary" className="justify-self-center" onClick={() => setMost(most + 2 * STEP)}>
          {t('common:more')}
        </Button>
      )}
    </div>
  )
}

function Nothing({ filter }: { filter: Filter }) {
  const { t } = useTranslation('mixes')
  const title = { all: t('log.empty'), failures: t('log.emptyFailures'), said: t('log.emptySaid') }[filter]
  return (
    <Empty icon={<ScrollText aria-hidden />} title={title}>
      {filter === 'all' && <p>{t('log.emptyHint')}</p>}
      {filter === 'said' && <p>{t('log.emptySaidHint')}</p>}
    </Empty>
  )
}

function Line({ line, me }: { line: MixLogLine; me?: string }) {
  const { t } = useTranslation(['mixes', 'common'])
  const trouble = TROUBLE.includes(line.kind) || line.kind === 'refused'
  // What somebody has done ends with who it was.
  const who = /^by (did:[^\s:]+:[^\s:]+)/.exec(line.text)?.[1]
  return (
    <li className="grid gap-1 px-4 py-3 text-sm">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <Badge kind={trouble ? 'warning' : line.kind === 'said' ? 'plain' : 'accent'}>{t(`log.kind.${line.kind}`)}</Badge>
        {typeof line.version === 'number' && <span className="font-medium">{t('version', { number: line.version })}</span>}
        <span className="text-muted-foreground">
          <Time at={line.lastAt} />
          {line.times > 1 && (
            <>
              {' · '}
              {t('log.times', { count: line.times })} <Time at={line.firstAt} full />
            </>
          )}
        </span>
      </div>
      {who ? (
        <p className="text-muted-foreground">{t('log.by', { who: who === me ? t('common:you') : short(who) })}</p>
      ) : (
        <p
          lang={line.kind === 'said' ? undefined : 'en'}
          className={classes('whitespace-pre-wrap', line.kind === 'said' && 'rounded-lg bg-muted px-3 py-2 font-mono text-xs')}
        >
          {line.text}
        </p>
      )}
    </li>
  )
}

/** Whether a number is good, worth a look or bad: in colour, in a sign and in words. */
import { CircleCheck, OctagonAlert, TriangleAlert } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import type { HostLimits, HostStatus } from '@/api/operator'
import { Badge } from '@/ui/badge'

export type Level = 'good' | 'look' | 'bad'

/** Seconds behind the firehose. */
const LAG_LOOK = 60
const LAG_BAD = 600

export const SIGN = { good: CircleCheck, look: TriangleAlert, bad: OctagonAlert } as const
const KIND = { good: 'accent', look: 'warning', bad: 'destructive' } as const

export type Levels = { lag?: Level; queue?: Level; letters: Level; all: Level }

/** What can't be told, such as before the limits are known, has no level. */
export function levels(status: HostStatus, limits: HostLimits | undefined): Levels {
  const { lagSeconds, queueDepth, deadLetters, ready } = status
  const lag = typeof lagSeconds !== 'number' ? undefined : lagSeconds > LAG_BAD ? 'bad' : lagSeconds > LAG_LOOK ? 'look' : 'good'
  // At the limit reading from the network stops.
  const queue = limits && (queueDepth >= limits.queueLimit ? 'bad' : queueDepth > limits.queueLimit / 2 ? 'look' : 'good')
  const letters = deadLetters > 0 ? 'look' : 'good'
  const each: (Level | undefined)[] = [ready ? 'good' : 'bad', lag, queue, letters]
  return { lag, queue, letters, all: each.includes('bad') ? 'bad' : each.includes('look') ? 'look' : 'good' }
}

export function LevelBadge({ level }: { level: Level }) {
  const { t } = useTranslation('operator')
  const Sign = SIGN[level]
  return (
    <Badge kind={KIND[level]}>
      <Sign aria-hidden />
      {t(`level.${level}`)}
    </Badge>
  )
}

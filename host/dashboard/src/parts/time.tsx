import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
]

/** How long ago that was, or how long it is until then. */
export function ago(then: number, now: number, language: string): string {
  const seconds = (then - now) / 1_000
  const words = new Intl.RelativeTimeFormat(language, { numeric: 'auto' })
  for (const [unit, size] of UNITS) {
    if (Math.abs(seconds) >= size) return words.format(Math.trunc(seconds / size), unit)
  }
  return words.format(0, 'second')
}

/** The moment in full, in the reader's zone. */
export function moment(then: Date, language: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' }).format(then)
}

function useNow(everyMs: number): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs)
    return () => clearInterval(timer)
  }, [everyMs])
  return now
}

/** A moment: how long ago for a week, then its date; in full on hovering. */
export function Time({ at, full = false, className }: { at: string; full?: boolean; className?: string }) {
  const { i18n } = useTranslation()
  const now = useNow(30_000)
  const then = new Date(at)
  if (Number.isNaN(then.getTime())) return <span className={className}>{at}</span>
  const exact = moment(then, i18n.language)
  const recent = Math.abs(now - then.getTime()) < 7 * 86_400_000
  return (
    <time dateTime={at} title={exact} className={className}>
      {full || !recent ? exact : ago(then.getTime(), now, i18n.language)}
    </time>
  )
}

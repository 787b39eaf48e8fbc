import { type ReactNode, useId } from 'react'
import { useTranslation } from 'react-i18next'
import type { Mix, MixLogLine, MixVersion } from '@/api/mixes'
import { Card } from '@/ui/card'
import { failuresByDay } from './mix-days'
import { Bar } from './mix-measures'
import { large, part, percent } from './mix-text'

/** How often mixes failed on each of the last days: columns for eyes, a table for ears. */
export function FailureChart({ lines }: { lines: MixLogLine[] }) {
  const { t, i18n } = useTranslation('mixes')
  const days = failuresByDay(lines, new Date())
  const most = Math.max(1, ...days.map(({ times }) => times))
  const none = days.every(({ times }) => times === 0)
  const number = new Intl.NumberFormat(i18n.language, { notation: 'compact' }).format
  const long = new Intl.DateTimeFormat(i18n.language, { dateStyle: 'full' })
  const weekday = new Intl.DateTimeFormat(i18n.language, { weekday: 'short' })
  const date = new Intl.DateTimeFormat(i18n.language, { day: 'numeric' })
  return (
    <Chart title={t('chart.failures')} hint={t('chart.failuresHint')}>
      <div aria-hidden className="relative grid grid-cols-7 gap-1.5 sm:gap-3">
        {days.map(({ start, times }) => (
          <div key={start.getTime()} className="grid min-w-0 gap-1 text-center text-xs">
            <div className="flex h-32 flex-col justify-end">
              {times > 0 && <span className="font-medium tabular-nums">{number(times)}</span>}
              <span
                className="mx-auto block min-h-0.5 w-full max-w-10 rounded-t-sm bg-destructive data-none:bg-border"
                data-none={times === 0 || undefined}
                style={{ height: `${(times / most) * 80}%` }}
              />
            </div>
            <span className="text-muted-foreground">
              {weekday.format(start)}
              <br />
              {date.format(start)}
            </span>
          </div>
        ))}
        {none && <p className="absolute inset-x-0 top-10 text-center text-sm text-muted-foreground">{t('chart.noFailures')}</p>}
      </div>
      <div className="sr-only">
        <table>
          <caption>{t('chart.failures')}</caption>
          <thead>
            <tr>
              <th scope="col">{t('chart.day')}</th>
              <th scope="col">{t('chart.times')}</th>
            </tr>
          </thead>
          <tbody>
            {days.map(({ start, times }) => (
              <tr key={start.getTime()}>
                <th scope="row">{long.format(start)}</th>
                <td>{times}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Chart>
  )
}

/** Versions that are drawn. */
const NEWEST = 8

/** What each version's trial took of the allowed fuel. */
export function FuelChart({ versions, quotas }: { versions: MixVersion[]; quotas: Mix['quotas'] }) {
  const { t, i18n } = useTranslation('mixes')
  const tried = versions.flatMap(({ number, profile }) => (profile ? [{ number, fuel: profile.fuel }] : [])).slice(0, NEWEST)
  return (
    <Chart title={t('chart.fuel')} hint={t('chart.fuelHint', { most: large(quotas.fuel, i18n.language) })}>
      {tried.length === 0 ? (
        <p className="grid h-32 place-items-center text-center text-sm text-muted-foreground">{t('chart.noFuel')}</p>
      ) : (
        <ul className="grid gap-3">
          {tried.reverse().map(({ number, fuel }) => (
            <li key={number} className="grid gap-1 text-sm">
              <span className="flex justify-between gap-3">
                <span>{t('version', { number })}</span>
                <span className="text-muted-foreground tabular-nums">
                  {large(fuel, i18n.language)} · {percent(fuel, quotas.fuel, i18n.language)}
                </span>
              </span>
              <Bar part={part(fuel, quotas.fuel)} className="h-3" />
            </li>
          ))}
        </ul>
      )}
    </Chart>
  )
}

function Chart({ title, hint, children }: { title: string; hint: string; children: ReactNode }) {
  const id = useId()
  return (
    <Card aria-labelledby={id} className="grid min-w-0 content-start gap-4">
      <div className="grid gap-1">
        <h3 id={id} className="text-lg font-semibold">
          {title}
        </h3>
        <p className="text-sm text-muted-foreground">{hint}</p>
      </div>
      {children}
    </Card>
  )
}

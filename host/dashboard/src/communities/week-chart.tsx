import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Stats } from '@/api/communities'
import { classes } from '@/ui/classes'

type Day = Stats['days'][number]

/** Pixels from the line on which the bars stand to the top of the highest, and the room for the number over it. */
const HIGHEST = 128
const ROOM = 24

/** A day as it was counted, in UTC. */
function dayName(day: string, language: string, parts: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat(language, { ...parts, timeZone: 'UTC' }).format(new Date(`${day}T00:00:00Z`))
}

const IN_FULL: Intl.DateTimeFormatOptions = { weekday: 'long', day: 'numeric', month: 'short' }

/** A week's posts and the people who wrote them, as bars. The day that is pointed at, or was last, is told in words. */
export function WeekChart({ days }: { days: Day[] }) {
  const { t, i18n } = useTranslation('posts')
  const [chosen, setChosen] = useState(days.length - 1)
  const most = Math.max(1, ...days.map((day) => day.posts))
  const name = (day: Day, parts: Intl.DateTimeFormatOptions) => dayName(day.day, i18n.language, parts)
  const inWords = (day: Day, called: string) =>
    t('about.day', {
      day: called,
      posts: t('about.posts', { count: day.posts }),
      authors: t('about.authors', { count: day.authors }),
    })
  const shown = days[chosen] ?? days.at(-1)
  return (
    <figure className="grid gap-3">
      <figcaption aria-hidden className="min-h-10 text-sm sm:min-h-5">
        {shown && inWords(shown, name(shown, IN_FULL))}
      </figcaption>
      <div className="relative">
        <div className="grid auto-cols-fr grid-flow-col">
          {days.map((day, place) => {
            const [weekday, number] = [name(day, { weekday: 'short' }), name(day, { day: 'numeric' })]
            return (
              <button
                key={day.day}
                type="button"
                aria-pressed={place === chosen}
                aria-label={inWords(day, `${weekday} ${number}`)}
                onClick={() => setChosen(place)}
                onFocus={() => setChosen(place)}
                onPointerEnter={() => setChosen(place)}
                className={classes('grid rounded-lg pb-1.5 text-center text-xs', place === chosen && 'bg-muted font-semibold')}
              >
                <span style={{ height: HIGHEST + ROOM + 6 }} />
                <span>{weekday}</span> <span className="tabular-nums">{number}</span>
              </button>
            )
          })}
        </div>
        <svg
          aria-hidden="true"
          width="100%"
          height={HIGHEST + ROOM}
          className="pointer-events-none absolute inset-x-0 top-0 overflow-visible"
        >
          {days.map((day, place) => (
            <Bars key={day.day} day={day} place={place} of={days.length} most={most} />
          ))}
          <line x1="0" x2="100%" y1={HIGHEST + ROOM} y2={HIGHEST + ROOM} className="stroke-input" />
        </svg>
        {days.every((day) => day.posts === 0) && (
          <p className="pointer-events-none absolute inset-x-0 top-16 text-center text-sm text-muted-foreground">{t('about.quiet')}</p>
        )}
      </div>
      <Legend />
    </figure>
  )
}

function Bars({ day, place, of, most }: { day: Day; place: number; of: number; most: number }) {
  const at = (part: number) => `${((place + part) / of) * 100}%`
  const height = (count: number) => (count === 0 ? 0 : Math.max(2, (count / most) * HIGHEST))
  const top = (count: number) => HIGHEST + ROOM - height(count)
  return (
    <g>
      <rect x={at(0.2)} width={`${36 / of}%`} y={top(day.posts)} height={height(day.posts)} rx="3" className="fill-own" />
      <rect x={at(0.6)} width={`${20 / of}%`} y={top(day.authors)} height={height(day.authors)} rx="3" className="fill-global" />
      {day.posts > 0 && (
        <text x={at(0.38)} y={top(day.posts) - 6} textAnchor="middle" className="fill-foreground text-xs tabular-nums">
          {day.posts}
        </text>
      )}
    </g>
  )
}

function Legend() {
  const { t } = useTranslation('posts')
  return (
    <ul aria-hidden className="flex gap-4 text-xs/4 text-muted-foreground">
      <li className="flex items-center gap-1.5">
        <span className="size-3 rounded-sm bg-own" />
        {t('about.legendPosts')}
      </li>
      <li className="flex items-center gap-1.5">
        <span className="size-3 rounded-sm bg-global" />
        {t('about.legendAuthors')}
      </li>
    </ul>
  )
}

/** As high as the chart, for what stands in its place. */
export const CHART_HEIGHT = 'h-69 sm:h-64'

/** The same numbers for whoever would rather read them, or hear them. */
export function WeekTable({ days }: { days: Day[] }) {
  const { t, i18n } = useTranslation('posts')
  return (
    <details className="text-sm">
      <summary className="min-h-6 w-fit cursor-pointer text-primary">{t('about.table')}</summary>
      <table className="mt-2 w-full max-w-md tabular-nums">
        <caption className="sr-only">{t('about.week')}</caption>
        <thead className="text-left text-muted-foreground">
          <tr>
            <th scope="col" className="py-1 font-medium">
              {t('about.dayColumn')}
            </th>
            <th scope="col" className="py-1 text-right font-medium">
              {t('about.legendPosts')}
            </th>
            <th scope="col" className="py-1 text-right font-medium">
              {t('about.legendAuthors')}
            </th>
          </tr>
        </thead>
        <tbody className="divide-y">
          {days.map((day) => (
            <tr key={day.day}>
              <th scope="row" className="py-1 text-left font-normal">
                {dayName(day.day, i18n.language, IN_FULL)}
              </th>
              <td className="py-1 text-right">{day.posts}</td>
              <td className="py-1 text-right">{day.authors}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  )
}

import type { TFunction } from 'i18next'
import { memo } from 'react'
import { Avatar, Person } from '@/parts/person'
import { Badge } from '@/ui/badge'
import { Skeleton } from '@/ui/skeleton'
import type { Row } from './members-list'
import { MemberMenu } from './members-menu'

/** The height of every row: two lines on a phone, where the name stands above the rest. */
export const ROW_PX = { wide: 56, phone: 72 }
export const rowHeight = 'h-[72px] sm:h-14'

/** The words come with the rows: to ask for them in each row would cost as much as the row. */
export type Words = TFunction<'members'>

const cell = 'border-b px-3 py-0'

/** Below `sm` only who it is and what can be done has a cell; the rest stands below the name. */
export const MemberRow = memo(function MemberRow(props: {
  row: Row
  index: number
  dates: Intl.DateTimeFormat
  you: boolean
  /** Given to who may choose moderators. */
  choose?: (row: Row) => void
  community: string
  t: Words
}) {
  const { row, index, dates, you, choose, community, t } = props
  const role = t(`role.${row.role}`, { ns: 'common' })
  return (
    // The headings are the first row.
    <tr aria-rowindex={index + 2} data-did={row.did} className={rowHeight}>
      <th scope="row" className={`${cell} text-left font-normal max-sm:px-0`}>
        <div className="flex items-center gap-3">
          <Avatar did={row.did} name={row.handle ?? row.did.replace(/^did:[a-z]+:/, '')} />
          <div className="grid min-w-0">
            <div className="flex min-w-0 items-center gap-2">
              <Person did={row.did} handle={row.handle} className="truncate" />
              {you && !row.awaited && <Badge>{t('you', { ns: 'common' })}</Badge>}
            </div>
            <div className="flex h-6 min-w-0 items-center gap-2 text-xs text-muted-foreground sm:hidden">
              <span className="truncate">
                {role}
                {row.since && (
                  <>
                    {' '}
                    · <Since at={row.since} dates={dates} t={t} />
                  </>
                )}
              </span>
              <States row={row} t={t} />
            </div>
          </div>
        </div>
      </th>
      <td className={`${cell} max-sm:hidden`}>{row.role === 'member' ? role : <Badge kind="accent">{role}</Badge>}</td>
      <td className={`${cell} text-muted-foreground tabular-nums max-sm:hidden`}>
        {row.awaited ? <Await t={t} /> : row.since ? <Since at={row.since} dates={dates} /> : <Unknown t={t} />}
      </td>
      <td className={`${cell} max-sm:hidden`}>
        {row.awaited ? (
          <Await t={t} />
        ) : row.active && !row.blocked ? (
          <span className="text-muted-foreground">{t('states.fine')}</span>
        ) : (
          <span className="flex flex-wrap gap-1">
            <States row={row} t={t} />
          </span>
        )}
      </td>
      {choose && (
        <td className={`${cell} px-1 text-right`}>
          {row.role !== 'owner' && !row.awaited && <MemberMenu row={row} community={community} choose={choose} />}
        </td>
      )}
    </tr>
  )
})

function States({ row, t }: { row: Row; t: Words }) {
  return (
    <>
      {row.blocked && <Badge kind="destructive">{t('states.blocked')}</Badge>}
      {!row.active && <Badge>{t('states.inactive')}</Badge>}
    </>
  )
}

function Unknown({ t }: { t: Words }) {
  return (
    <>
      <span aria-hidden>–</span>
      <span className="sr-only">{t('unknown')}</span>
    </>
  )
}

function Await({ t }: { t: Words }) {
  return (
    <>
      <Skeleton className="h-4 w-24" />
      <span className="sr-only">{t('awaited')}</span>
    </>
  )
}

/** The date, in a sentence where there are words. A record may say anything. */
function Since({ at, dates, t }: { at: string; dates: Intl.DateTimeFormat; t?: Words }) {
  const then = new Date(at)
  if (Number.isNaN(then.getTime())) return at
  const date = dates.format(then)
  return <time dateTime={at}>{t ? t('since', { date }) : date}</time>
}

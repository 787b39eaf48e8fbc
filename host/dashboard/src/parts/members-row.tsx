import { Link } from '@tanstack/react-router'
import { Ellipsis } from 'lucide-react'
import { memo } from 'react'
import { useTranslation } from 'react-i18next'
import { Badge } from '@/ui/badge'
import { Button } from '@/ui/button'
import { Menu, MenuItem } from '@/ui/menu'
import { Skeleton } from '@/ui/skeleton'
import { nameOf } from './members-columns'
import type { Row } from './members-list'
import { Avatar, Person } from './person'

/** The height of every row: two lines on a phone, where the name stands above the rest. */
export const ROW_PX = { wide: 56, phone: 72 }
export const rowHeight = 'h-[72px] sm:h-14'

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
}) {
  const { row, index, dates, you, choose, community } = props
  const { t } = useTranslation('members')
  const role = t(`role.${row.role}`, { ns: 'common' })
  return (
    // The headings are the first row.
    <tr aria-rowindex={index + 2} data-did={row.did} className={rowHeight}>
      <th scope="row" className={`${cell} text-left font-normal`}>
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
                    · <Since at={row.since} dates={dates} />
                  </>
                )}
              </span>
              <States row={row} />
            </div>
          </div>
        </div>
      </th>
      <td className={`${cell} max-sm:hidden`}>{row.role === 'member' ? role : <Badge kind="accent">{role}</Badge>}</td>
      <td className={`${cell} text-muted-foreground tabular-nums max-sm:hidden`}>
        {row.awaited ? <Await /> : row.since ? <Since at={row.since} dates={dates} alone /> : <Unknown />}
      </td>
      <td className={`${cell} max-sm:hidden`}>
        {row.awaited ? (
          <Await />
        ) : row.active && !row.blocked ? (
          <span className="text-muted-foreground">{t('states.fine')}</span>
        ) : (
          <span className="flex flex-wrap gap-1">
            <States row={row} />
          </span>
        )}
      </td>
      {choose && (
        <td className={`${cell} px-1 text-right`}>
          {row.role !== 'owner' && !row.awaited && (
            <Menu
              trigger={
                <Button kind="ghost" size="icon" aria-label={t('menu', { name: nameOf(row) })}>
                  <Ellipsis aria-hidden />
                </Button>
              }
            >
              <MenuItem onSelect={() => choose(row)}>{t(row.role === 'member' ? 'appoint.do' : 'dismiss.do')}</MenuItem>
              <MenuItem asChild>
                <Link to="/communities/$id/moderation" params={{ id: community }}>
                  {t('moderate')}
                </Link>
              </MenuItem>
            </Menu>
          )}
        </td>
      )}
    </tr>
  )
})

function States({ row }: { row: Row }) {
  const { t } = useTranslation('members')
  return (
    <>
      {row.blocked && <Badge kind="destructive">{t('states.blocked')}</Badge>}
      {!row.active && <Badge>{t('states.inactive')}</Badge>}
    </>
  )
}

function Unknown() {
  const { t } = useTranslation('members')
  return (
    <>
      <span aria-hidden>–</span>
      <span className="sr-only">{t('unknown')}</span>
    </>
  )
}

function Await() {
  const { t } = useTranslation('members')
  return (
    <>
      <Skeleton className="h-4 w-24" />
      <span className="sr-only">{t('awaited')}</span>
    </>
  )
}

/** The date alone; a record may say anything. */
function Since({ at, dates, alone = false }: { at: string; dates: Intl.DateTimeFormat; alone?: boolean }) {
  const { t } = useTranslation('members')
  const then = new Date(at)
  if (Number.isNaN(then.getTime())) return at
  const date = dates.format(then)
  return <time dateTime={at}>{alone ? date : t('since', { date })}</time>
}

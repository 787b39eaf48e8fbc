import {
  getCoreRowModel,
  getFilteredRowModel,
  getSortedRowModel,
  type OnChangeFn,
  type SortingState,
  useReactTable,
} from '@tanstack/react-table'
import { Fragment, useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { SortHead } from '@/parts/table-sort'
import { Skeleton } from '@/ui/skeleton'
import { columns, filtersOf, type Wish } from './members-columns'
import type { Row } from './members-list'
import { MemberRow, rowHeight } from './members-row'
import { useRows } from './members-window'

export function useMembersTable(rows: Row[], wish: Wish, sorting: SortingState, onSortingChange: OnChangeFn<SortingState>) {
  const columnFilters = useMemo(() => filtersOf(wish), [wish])
  return useReactTable({
    data: rows,
    columns,
    state: { sorting, columnFilters },
    onSortingChange,
    enableSortingRemoval: false,
    getRowId: (row) => row.did,
    getCoreRowModel: getCoreRowModel(),
    getFilteredRowModel: getFilteredRowModel(),
    getSortedRowModel: getSortedRowModel(),
  })
}

/** The width of a column that a phone has no room for. */
const secondary = 'w-36 max-sm:hidden lg:w-44'

/** The table itself: headings that stay in sight, and the rows that are seen. */
export function MembersTable(props: {
  table: ReturnType<typeof useMembersTable>
  name: string
  community: string
  you: string
  waiting: boolean
  choose?: (row: Row) => void
}) {
  const { table, name, community, you, waiting, choose } = props
  const { t, i18n } = useTranslation('members')
  const dates = useMemo(() => new Intl.DateTimeFormat(i18n.language, { dateStyle: 'medium' }), [i18n.language])
  const { rows } = table.getRowModel()
  const { body, shown, rest, onFocus } = useRows(rows)
  const head = 'sticky top-16 z-10 h-11 border-b bg-background text-sm'
  return (
    <table
      aria-label={t('table', { name })}
      aria-rowcount={waiting ? -1 : rows.length + 1}
      aria-busy={waiting}
      className="w-full table-fixed border-separate border-spacing-0 text-sm"
    >
      <colgroup>
        <col />
        <col className={secondary} />
        <col className={secondary} />
        <col className={secondary} />
        {choose && <col className="w-14" />}
      </colgroup>
      <thead className="max-sm:hidden">
        <tr aria-rowindex={1}>
          <SortHead column={table.getColumn('who')} className={head}>
            {t('column.who')}
          </SortHead>
          {(['role', 'since', 'state'] as const).map((id) => (
            <SortHead key={id} column={table.getColumn(id)} className={head}>
              {t(`column.${id}`)}
            </SortHead>
          ))}
          {choose && (
            <th scope="col" className={head}>
              <span className="sr-only">{t('column.do')}</span>
            </th>
          )}
        </tr>
      </thead>
      <tbody ref={body} onFocus={onFocus}>
        {waiting && <Waiting actions={choose !== undefined} />}
        {shown.map(({ row, index, gap }) => (
          <Fragment key={row.did}>
            <Gap height={gap} />
            <MemberRow row={row} index={index} dates={dates} you={row.did === you} choose={choose} community={community} t={t} />
          </Fragment>
        ))}
        <Gap height={rest} />
      </tbody>
    </table>
  )
}

/** As high as the rows that aren't there. */
function Gap({ height }: { height: number }) {
  if (height <= 0) return null
  return (
    // Invisible, or else browsers take a change of its height for something that moves.
    <tr aria-hidden className="invisible">
      <td className="p-0" style={{ height }} />
    </tr>
  )
}

function Waiting({ actions }: { actions: boolean }) {
  return Array.from({ length: 8 }, (_, row) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike
    <tr key={row} aria-hidden className={rowHeight}>
      <td className="border-b px-3 py-0 max-sm:px-0">
        <div className="flex items-center gap-3">
          <Skeleton className="size-10 rounded-full" />
          <Skeleton className="h-4 w-40 max-w-full" />
        </div>
      </td>
      {['role', 'since', 'state'].map((column) => (
        <td key={column} className="border-b px-3 py-0 max-sm:hidden">
          <Skeleton className="h-4 w-20" />
        </td>
      ))}
      {actions && <td className="border-b" />}
    </tr>
  ))
}

import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { createColumnHelper, getCoreRowModel, getSortedRowModel, type SortingState, useReactTable } from '@tanstack/react-table'
import { Gauge } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type CommunityLoad, loadQuery } from '@/api/operator'
import { Empty } from '@/parts/empty'
import { Person } from '@/parts/person'
import { ProblemCard } from '@/parts/problem'
import { SortHead, SortSelect } from '@/parts/table-sort'
import { Button } from '@/ui/button'
import { classes } from '@/ui/classes'
import { SkeletonRows } from '@/ui/skeleton'
import { type Numbers, useNumbers } from './operator-numbers'

const column = createColumnHelper<CommunityLoad>()
const sumOf = (load: CommunityLoad) => load.objectShare + load.pageShare

const columns = [
  column.accessor('name', { sortingFn: (one, other) => one.original.name.localeCompare(other.original.name), sortDescFirst: false }),
  column.accessor(sumOf, { id: 'sum', sortingFn: 'basic', sortDescFirst: true }),
  ...(['objectShare', 'calls', 'pageShare', 'pages'] as const).map((id) =>
    column.accessor(id, { sortingFn: 'basic', sortDescFirst: true }),
  ),
]

/** So many are shown at first. */
const FEW = 10

/** Which communities keep the machine busy. */
export function Load() {
  const { t } = useTranslation('operator')
  const { data, error, refetch } = useQuery(loadQuery)
  return (
    <section aria-labelledby="load" className="grid grid-cols-1 gap-4">
      <div className="grid gap-1">
        <h2 id="load" className="text-2xl font-semibold">
          {t('load.title')}
        </h2>
        <p className="max-w-prose text-sm text-muted-foreground">{t('load.hint')}</p>
      </div>
      {data ? (
        data.length > 0 ? (
          <LoadTable loads={data} />
        ) : (
          <Empty icon={<Gauge aria-hidden />} title={t('load.empty')}>
            <p>{t('load.emptyHint')}</p>
          </Empty>
        )
      ) : error ? (
        <ProblemCard cause={error} retry={() => void refetch()} />
      ) : (
        <SkeletonRows rows={5} className="h-13" />
      )}
    </section>
  )
}

function LoadTable({ loads }: { loads: CommunityLoad[] }) {
  const { t } = useTranslation('operator')
  const numbers = useNumbers()
  const [sorting, setSorting] = useState<SortingState>([{ id: 'sum', desc: true }])
  const [all, setAll] = useState(false)
  const table = useReactTable({
    data: loads,
    columns,
    state: { sorting },
    onSortingChange: setSorting,
    enableSortingRemoval: false,
    getRowId: (load) => load.id,
    getCoreRowModel: getCoreRowModel(),
    getSortedRowModel: getSortedRowModel(),
  })
  const rows = table.getRowModel().rows
  const most = Math.max(...loads.map(sumOf))
  const orders = (['sum', 'objectShare', 'pageShare', 'calls', 'pages', 'name'] as const).map((id) => ({
    id,
    desc: id !== 'name',
    label: t(`load.order.${id}`),
  }))
  const head = 'border-b h-11'
  const numeric = `${head} max-md:hidden w-28 lg:w-32`
  return (
    <>
      <SortSelect label={t('load.sort')} orders={orders} sorting={sorting} onChange={setSorting} className="md:hidden" />
      <table aria-label={t('load.table')} className="w-full table-fixed border-separate border-spacing-0 text-sm">
        <thead className="max-md:hidden">
          <tr>
            <SortHead column={table.getColumn('name')} className={head}>
              {t('load.community')}
            </SortHead>
            <SortHead column={table.getColumn('sum')} className={`${head} w-40 lg:w-52`}>
              {t('load.sum')}
            </SortHead>
            <SortHead column={table.getColumn('objectShare')} className={numeric}>
              {t('load.object')}
            </SortHead>
            <SortHead column={table.getColumn('calls')} className={numeric}>
              {t('load.calls')}
            </SortHead>
            <SortHead column={table.getColumn('pageShare')} className={numeric}>
              {t('load.page')}
            </SortHead>
            <SortHead column={table.getColumn('pages')} className={numeric}>
              {t('load.pages')}
            </SortHead>
          </tr>
        </thead>
        <tbody>
          {(all ? rows : rows.slice(0, FEW)).map(({ id, original }) => (
            <LoadRow key={id} load={original} most={most} numbers={numbers} />
          ))}
        </tbody>
        <tfoot>
          <Total loads={loads} numbers={numbers} />
        </tfoot>
      </table>
      {loads.length > FEW && (
        <Button kind="secondary" className="justify-self-center" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? t('load.few', { count: FEW }) : t('load.all', { count: loads.length })}
        </Button>
      )}
    </>
  )
}

const cell = 'border-b px-3 py-2.5 align-top tabular-nums'
const numeric = `${cell} max-md:hidden`

function LoadRow({ load, most, numbers }: { load: CommunityLoad; most: number; numbers: Numbers }) {
  const { t } = useTranslation('operator')
  const { object, page, calls, pages } = inWords(load, numbers)
  return (
    <tr>
      <th scope="row" className={classes(cell, 'text-left font-normal')}>
        <Link
          to="/communities/$id"
          params={{ id: load.id }}
          className="line-clamp-2 leading-6 font-medium underline-offset-4 hover:underline"
        >
          {load.name}
        </Link>
        <span className="block truncate text-xs leading-6 text-muted-foreground">
          {t('load.by')} <Person did={load.owner} handle={load.ownerHandle} className="inline-block font-normal" />
        </span>
        <span className="block text-xs text-muted-foreground md:hidden">{t('load.phone', { object, calls, page, pages })}</span>
      </th>
      <td className={classes(cell, 'max-md:w-28')}>
        <Bar share={sumOf(load)} most={most} text={numbers.share(sumOf(load))} />
      </td>
      <td className={numeric}>{object}</td>
      <td className={numeric}>{calls}</td>
      <td className={numeric}>{page}</td>
      <td className={numeric}>{pages}</td>
    </tr>
  )
}

/** Beside the dearest, which has the whole width. */
function Bar({ share, most, text }: { share: number; most: number; text: string }) {
  return (
    <div className="grid gap-1">
      <span className="font-semibold">{text}</span>
      <span aria-hidden className="h-1.5 overflow-hidden rounded-full bg-muted">
        <span className="block h-full rounded-full bg-own" style={{ width: `${most > 0 ? (100 * share) / most : 0}%` }} />
      </span>
    </div>
  )
}

function Total({ loads, numbers }: { loads: CommunityLoad[]; numbers: Numbers }) {
  const { t } = useTranslation('operator')
  const of = (one: (load: CommunityLoad) => number) => loads.reduce((sum, load) => sum + one(load), 0)
  const all = {
    calls: of(({ calls }) => calls),
    objectShare: of(({ objectShare }) => objectShare),
    pages: of(({ pages }) => pages),
    pageShare: of(({ pageShare }) => pageShare),
  }
  const { object, page, calls, pages } = inWords(all, numbers)
  const foot = 'border-b-0 font-semibold'
  return (
    <tr>
      <th scope="row" className={classes(cell, foot, 'text-left')}>
        {t('load.total')}
        <span className="block text-xs font-normal text-muted-foreground md:hidden">{t('load.phone', { object, calls, page, pages })}</span>
      </th>
      <td className={classes(cell, foot)}>{numbers.share(all.objectShare + all.pageShare)}</td>
      <td className={classes(numeric, foot)}>{object}</td>
      <td className={classes(numeric, foot)}>{calls}</td>
      <td className={classes(numeric, foot)}>{page}</td>
      <td className={classes(numeric, foot)}>{pages}</td>
    </tr>
  )
}

type Loads = Pick<CommunityLoad, 'calls' | 'objectShare' | 'pages' | 'pageShare'>

const inWords = ({ calls, objectShare, pages, pageShare }: Loads, numbers: Numbers) => ({
  object: numbers.share(objectShare),
  page: numbers.share(pageShare),
  calls: numbers.rate(calls),
  pages: numbers.rate(pages),
})

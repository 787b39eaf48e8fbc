/** How a table is sorted: by the buttons in its headings, or where there is no room for headings by a list of orders. */
import type { Column, SortingState } from '@tanstack/react-table'
import { ArrowDown, ArrowUp, ChevronsUpDown } from 'lucide-react'
import type { ReactNode } from 'react'
import { classes } from '@/ui/classes'
import { Field, Select } from '@/ui/field'

/** The heading of a column: pressed once it sorts by it, pressed again the other way round. */
export function SortHead<T>({ column, className, children }: { column: Column<T> | undefined; className?: string; children: ReactNode }) {
  const sorted = column?.getIsSorted() ?? false
  const Arrow = sorted === 'asc' ? ArrowUp : sorted === 'desc' ? ArrowDown : ChevronsUpDown
  return (
    <th
      scope="col"
      aria-sort={sorted === 'asc' ? 'ascending' : sorted === 'desc' ? 'descending' : 'none'}
      className={classes('px-3 text-left font-medium', className)}
    >
      <button
        type="button"
        onClick={column?.getToggleSortingHandler()}
        className={classes(
          '-mx-2 inline-flex min-h-9 items-center gap-1 rounded-lg px-2 text-left whitespace-nowrap hover:bg-muted',
          sorted ? 'text-foreground' : 'text-muted-foreground',
        )}
      >
        {children}
        <Arrow aria-hidden className="size-3.5 shrink-0" />
      </button>
    </th>
  )
}

/** An order that can be chosen, with its name. */
export type Order = { id: string; desc: boolean; label: string }

/** For a phone. An order that only headings know is not in the list, and none is marked then. */
export function SortSelect(props: {
  label: string
  orders: Order[]
  sorting: SortingState
  onChange: (sorting: SortingState) => void
  className?: string
}) {
  const { label, orders, sorting, onChange, className } = props
  const chosen = orders.findIndex(({ id, desc }) => sorting[0]?.id === id && sorting[0].desc === desc)
  const choose = (index: number) => {
    const order = orders[index]
    if (order) onChange([{ id: order.id, desc: order.desc }])
  }
  return (
    <Field label={label} className={className}>
      {(control) => (
        <Select {...control} value={chosen} onChange={(event) => choose(Number(event.target.value))}>
          {chosen < 0 && <option value={-1} />}
          {orders.map((order, index) => (
            <option key={order.label} value={index}>
              {order.label}
            </option>
          ))}
        </Select>
      )}
    </Field>
  )
}

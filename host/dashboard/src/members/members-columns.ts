/** What a list of members can be sorted by and searched for. */
import { createColumnHelper, type FilterFn, type SortingState } from '@tanstack/react-table'
import type { Role } from '@/api/communities'
import { short } from '@/parts/person'
import type { Row } from './members-list'

export const ROLES = ['owner', 'moderator', 'member'] as const satisfies Role[]
export const STATES = ['fine', 'blocked', 'inactive'] as const
export type State = (typeof STATES)[number]

/** What is looked for; an empty text is anything. */
export type Wish = { text: string; role: Role | ''; state: State | '' }
export const ANYBODY: Wish = { text: '', role: '', state: '' }

export const nameOf = (row: Pick<Row, 'did' | 'handle'>) => (row.handle ? `@${row.handle}` : short(row.did))

/** Both at once is possible. */
export const isIn = (row: Row, state: State) =>
  state === 'blocked' ? row.blocked : state === 'inactive' ? !row.active : row.active && !row.blocked

const named: FilterFn<Row> = (row, _, text: string) =>
  row.original.did.includes(text) || (row.original.handle ?? '').toLowerCase().includes(text)

const column = createColumnHelper<Row>()

export const columns = [
  // Who has no handle comes last, whatever the direction.
  column.accessor((row) => row.handle?.toLowerCase() ?? undefined, {
    id: 'who',
    sortingFn: 'basic',
    sortUndefined: 'last',
    sortDescFirst: false,
    filterFn: named,
  }),
  column.accessor('role', {
    sortingFn: (one, other) => ROLES.indexOf(one.original.role) - ROLES.indexOf(other.original.role),
    sortDescFirst: false,
    filterFn: 'equalsString',
  }),
  column.accessor((row) => row.since ?? undefined, { id: 'since', sortingFn: 'basic', sortUndefined: 'last', sortDescFirst: true }),
  column.accessor((row) => (row.blocked ? 2 : 0) + (row.active ? 0 : 1), {
    id: 'state',
    sortingFn: 'basic',
    sortDescFirst: true,
    filterFn: (row, _, state: State) => isIn(row.original, state),
  }),
]

export const LEADING_FIRST: SortingState = [{ id: 'role', desc: false }]

/** A wish as the table knows it. */
export function filtersOf({ text, role, state }: Wish) {
  const sought = text.trim().replace(/^@/, '').toLowerCase()
  const filters = [
    { id: 'who', value: sought },
    { id: 'role', value: role },
    { id: 'state', value: state },
  ]
  return filters.filter(({ value }) => value !== '')
}

/** Of ten thousand rows only those that are seen, and some around, are on the page. */
import { defaultRangeExtractor, useWindowVirtualizer } from '@tanstack/react-virtual'
import { type FocusEvent, useCallback, useLayoutEffect, useRef, useState, useSyncExternalStore } from 'react'
import type { Row } from './members-list'
import { ROW_PX } from './members-row'

/** As Tailwind's `sm`. */
const wide = typeof matchMedia === 'function' ? matchMedia('(min-width: 40rem)') : undefined

const useWide = () =>
  useSyncExternalStore(
    (changed) => {
      wide?.addEventListener('change', changed)
      return () => wide?.removeEventListener('change', changed)
    },
    () => wide?.matches ?? true,
  )

export function useRows(rows: { id: string; original: Row }[]) {
  const body = useRef<HTMLTableSectionElement>(null)
  const height = useWide() ? ROW_PX.wide : ROW_PX.phone
  const [top, setTop] = useState(0)
  const [focused, setFocused] = useState<string>()

  const kept = focused === undefined ? -1 : rows.findIndex(({ id }) => id === focused)
  const virtual = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => height,
    overscan: 12,
    scrollMargin: top,
    getItemKey: useCallback((index: number) => rows[index]?.id ?? index, [rows]),
    // The row that has the focus, or an open menu, stays where it is scrolled away.
    rangeExtractor: (range) => {
      const shown = defaultRangeExtractor(range)
      return kept < 0 || shown.includes(kept) ? shown : [...shown, kept].sort((one, other) => one - other)
    },
  })
  // biome-ignore lint/correctness/useExhaustiveDependencies: another height is what it measures anew for
  useLayoutEffect(() => virtual.measure(), [virtual, height])

  // Whatever stands above the rows may have grown; each rendering looks, but none while it is scrolled, where to look would cost a frame.
  const still = !virtual.isScrolling
  useLayoutEffect(() => {
    if (still && body.current) setTop(Math.round(body.current.getBoundingClientRect().top + scrollY))
  })

  let end = 0
  const shown = virtual.getVirtualItems().flatMap(({ index, start, size }) => {
    const row = rows[index]
    const gap = start - top - end
    end = start - top + size
    return row ? [{ row: row.original, index, gap }] : []
  })
  const onFocus = (event: FocusEvent<HTMLElement>) => {
    const row = event.target.closest('[data-did]')
    if (row instanceof HTMLElement) setFocused(row.dataset.did)
  }
  return { body, shown, rest: rows.length * height - end, onFocus }
}

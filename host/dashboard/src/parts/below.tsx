import { type ReactNode, useDeferredValue } from 'react'

/**
 * What lies below the first thing that a page says: drawn when that has been painted, so that nobody waits for both. A page that is loaded again,
 * or gone back to, is drawn whole, since somebody may have been further down.
 */
export function Below({ children }: { children: ReactNode }) {
  return useDeferredValue(true, !isNew()) ? children : null
}

let drawn = false

/** Whether this is the first that is drawn since somebody has followed an address. */
function isNew(): boolean {
  if (drawn) return false
  drawn = true
  const [navigation] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[]
  return navigation?.type === 'navigate'
}

import type { QueryClient } from '@tanstack/react-query'
import { useSuspenseQuery } from '@tanstack/react-query'
import { createRootRouteWithContext, Outlet } from '@tanstack/react-router'
import { startQuery } from '@/api/session'
import { Shell } from '@/parts/shell'

export const Route = createRootRouteWithContext<{ queries: QueryClient }>()({
  beforeLoad: async ({ context }) => ({ start: await context.queries.ensureQueryData(startQuery) }),
  component: Root,
})

function Root() {
  const { data: start } = useSuspenseQuery(startQuery)
  return (
    <Shell caller={start.caller}>
      <Outlet />
    </Shell>
  )
}

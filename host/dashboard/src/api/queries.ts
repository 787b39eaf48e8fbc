/** What is kept of answers, and for how long it is good. */
import { QueryClient } from '@tanstack/react-query'
import { Problem } from './problem'

export function newQueries(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        // Live changes tell when something is out of date; coming back to a page looks anew.
        staleTime: 30_000,
        retry: (times, cause) => times < 2 && (!(cause instanceof Problem) || (cause.passes && cause.status !== 429)),
        retryDelay: (times) => 500 * 2 ** times,
      },
      mutations: { retry: false },
    },
  })
}

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

/** Times that a list is read again because handles were missing in it, and after how long. */
const AGAIN = 3
const AGAIN_MS = 2_000

/** The program looks handles up behind its answer, and has them in a moment: a list that lacks some is read again, a few times. */
export function untilNamed<Data>(isNameless: (data: Data) => boolean) {
  return ({ state }: { state: { data: Data | undefined; dataUpdateCount: number } }) =>
    state.data !== undefined && state.dataUpdateCount <= AGAIN && isNameless(state.data) ? AGAIN_MS : false
}

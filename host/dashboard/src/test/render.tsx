/** A page as the program serves it: the real routes, words and queries. Only the network is made up, and what jsdom lacks of a browser. */
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { act, cleanup, configure, render } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import i18next from 'i18next'
import { afterEach, vi } from 'vitest'
import type { Schemas } from '@/api/client'
import { newQueries } from '@/api/queries'
import { newRouter } from '@/router'
import { Toasts } from '@/ui/toast'
import { type Language, speak, startWords } from '@/words'

// A whole page is drawn, perhaps on a machine that is busy.
configure({ asyncUtilTimeout: 5_000 })
vi.setConfig({ testTimeout: 20_000 })

afterEach(() => {
  cleanup()
  vi.unstubAllGlobals()
})

/** What was asked of the network. */
export type Call = { method: string; path: string; query: URLSearchParams; body: unknown }

/**
 * What the network answers, by method and path ("GET /api/communities"), or by the whole address of another host without its query. A function
 * is asked anew each time; a `Response` is given as it is, anything else as JSON.
 */
export type Answers = Record<string, unknown | ((call: Call) => unknown)>

/** Gives these answers from now on. All that is asked is in what comes back, in order. */
export function network(answers: Answers): Call[] {
  const calls: Call[] = []
  vi.stubGlobal('fetch', async (input: RequestInfo | URL, init?: RequestInit) => {
    const request = input instanceof Request ? input : undefined
    const url = new URL(request?.url ?? String(input), location.origin)
    const method = request?.method ?? init?.method ?? 'GET'
    const text = await request?.clone().text()
    const call: Call = { method, path: url.pathname, query: url.searchParams, body: text ? JSON.parse(text) : undefined }
    calls.push(call)
    const key = `${method} ${url.origin === location.origin ? '' : url.origin}${url.pathname}`
    const answer = answers[key]
    if (answer === undefined) return problem(404, 'NotFound', `nothing answers ${key}`)
    const given = typeof answer === 'function' ? await answer(call) : answer
    return given instanceof Response ? given : Response.json(given)
  })
  return calls
}

/** An answer that says what is wrong. */
export function problem(status: number, error: string, message: string): Response {
  return Response.json({ error, message }, { status })
}

/** The first answer of every page, as somebody who is signed in. */
export function startAs(caller: Partial<Schemas['Me']> = {}, host: Partial<Schemas['Facts']> = {}): Schemas['Start'] {
  return {
    caller: {
      did: 'did:plc:me',
      handle: 'me.example.com',
      session: 's',
      method: 'oauth',
      operator: false,
      canWrite: true,
      csrfToken: 'c',
      ...caller,
    },
    renewable: true,
    host: { version: '1', appPasswords: true, visits: false, ...host },
  }
}

class Watcher {
  observe() {}
  unobserve() {}
  disconnect() {}
}

/** The way on which changes come in; tests may send some. */
export class Events extends EventTarget {
  static open: Events[] = []
  onopen: (() => void) | null = null
  onerror: (() => void) | null = null
  readonly url: string
  constructor(url: string) {
    super()
    this.url = url
    Events.open.push(this)
  }
  close() {
    Events.open = Events.open.filter((one) => one !== this)
  }
}

function browser() {
  Events.open = []
  vi.stubGlobal('EventSource', Events)
  vi.stubGlobal('IntersectionObserver', Watcher)
  vi.stubGlobal('ResizeObserver', Watcher)
  vi.stubGlobal('scrollTo', () => {})
  Element.prototype.scrollIntoView ??= () => {}
  Element.prototype.hasPointerCapture ??= () => false
  Element.prototype.setPointerCapture ??= () => {}
  Element.prototype.releasePointerCapture ??= () => {}
}

/** Opens a page of the dashboard. Say first what the network answers. */
export async function visit(path: string, language: Language = 'en') {
  browser()
  document.documentElement.lang = language
  if (!i18next.isInitialized) await startWords()
  await speak(language)
  history.replaceState({}, '', path)
  const queries = newQueries()
  queries.setDefaultOptions({ queries: { ...queries.getDefaultOptions().queries, retry: false } })
  const router = newRouter(queries)
  const view = render(
    <QueryClientProvider client={queries}>
      <Toasts>
        <RouterProvider router={router} />
      </Toasts>
    </QueryClientProvider>,
  )
  await act(() => router.load())
  return { ...view, user: userEvent.setup(), queries, router }
}

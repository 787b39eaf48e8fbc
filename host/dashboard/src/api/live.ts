/** What changes in a community, told as it happens: new posts and moderation appear without a reload, and a lost connection heals. */
import { type QueryClient, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { fresh } from './client'
import { keyOf } from './communities'

export type Connection = 'opening' | 'open' | 'lost'

const KINDS = ['post', 'member', 'moderation', 'community', 'mix', 'reset'] as const
type Kind = (typeof KINDS)[number]

/** What is read anew when something of a kind has changed, beside the community itself. */
const CONCERNS: Record<Kind, string[]> = {
  post: ['posts', 'stats'],
  member: ['members', 'posts', 'stats'],
  moderation: ['actions', 'posts', 'members', 'stats'],
  community: [],
  mix: ['mix'],
  reset: ['posts', 'members', 'actions', 'stats', 'mix', 'children'],
}

/** Many changes come at once; they are read once. */
const GATHER_MS = 300

/**
 * In a busy community something changes every second, and a caller has a thousand questions an hour. So many times it is read anew at once, and
 * then once more for each such time that passes.
 */
const AT_ONCE = 20
const EACH_MS = 20_000

/** How long to wait before reading anew; each answer uses up one of those times. */
function pacer(now = Date.now) {
  let [left, since] = [AT_ONCE, now()]
  return () => {
    const gained = Math.floor((now() - since) / EACH_MS)
    left = Math.min(AT_ONCE, left + gained)
    since = left === AT_ONCE ? now() : since + gained * EACH_MS
    left -= 1
    return left >= 0 ? GATHER_MS : Math.max(GATHER_MS, since + EACH_MS * -left - now())
  }
}

/** How long to wait for the next try, after so many that failed. */
const pause = (failures: number) => Math.min(30_000, 1_000 * 2 ** failures) * (0.75 + Math.random() / 2)

/** Follows a community for as long as a page is open. */
export function useLive(id: string): Connection {
  const queries = useQueryClient()
  const [connection, setConnection] = useState<Connection>('opening')
  useEffect(() => follow(id, queries, setConnection), [id, queries])
  return connection
}

export function follow(id: string, queries: QueryClient, tell: (connection: Connection) => void): () => void {
  let source: EventSource | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let failures = 0
  let over = false

  const pace = pacer()
  const gathered = new Set<string>()
  let gathering: ReturnType<typeof setTimeout> | undefined
  const readAnew = () => {
    gathering = undefined
    const parts = [...gathered]
    gathered.clear()
    void queries.invalidateQueries({ queryKey: keyOf(id), exact: true })
    for (const part of parts) void queries.invalidateQueries({ queryKey: [...keyOf(id), part] })
  }
  const heard = (kind: Kind) => {
    for (const part of CONCERNS[kind]) gathered.add(part)
    gathering ??= setTimeout(readAnew, pace())
  }

  const open = async () => {
    timer = undefined
    await fresh()
    if (over) return
    source = new EventSource(`/api/communities/${encodeURIComponent(id)}/events`)
    source.onopen = () => {
      failures = 0
      tell('open')
      // What changed since the page was read, or while the connection was lost, was told to nobody here.
      heard('reset')
    }
    for (const kind of KINDS) source.addEventListener(kind, () => heard(kind))
    source.onerror = () => {
      source?.close()
      tell('lost')
      timer = setTimeout(() => void open(), pause(failures++))
    }
  }

  // A machine that was asleep, or without a network, need not wait for its turn.
  const hurry = () => {
    if (timer === undefined || document.visibilityState === 'hidden') return
    clearTimeout(timer)
    void open()
  }
  addEventListener('online', hurry)
  document.addEventListener('visibilitychange', hurry)
  void open()
  return () => {
    over = true
    clearTimeout(timer)
    clearTimeout(gathering)
    removeEventListener('online', hurry)
    document.removeEventListener('visibilitychange', hurry)
    source?.close()
  }
}

/**
 * What posts say, from the AppView that the program names: here are only their addresses. It is asked by the browser, without cookies, for up to
 * 25 posts at a time. Where it can't be reached nobody waits for it: a page shows what it knows itself.
 */
import { queryOptions } from '@tanstack/react-query'
import { unreachable } from './problem'

/** What is shown of a post. The lexicon is `app.bsky.feed.defs#postView`; nothing of it is believed to be there. */
export type Hydrated = {
  text: string
  name: string
  handle: string
  avatar?: string
  images: { thumb: string; alt: string }[]
  likes: number
  replies: number
  reposts: number
}

const AT_ONCE = 25
const PATIENCE_MS = 5_000
/** After a failure nobody asks again for so long. */
const REST_MS = 60_000

type Waiting = { uri: string; found: (post: Hydrated | null) => void; failed: (cause: unknown) => void }

let waiting: Waiting[] = []
let restsUntil = 0

export const hydratedQuery = (appview: string | undefined, uri: string) =>
  queryOptions({
    queryKey: ['hydrated', uri],
    queryFn: () => hydrate(appview ?? '', uri),
    enabled: appview !== undefined,
    staleTime: 5 * 60_000,
    retry: false,
  })

/** A post, or null where the AppView has no such post. */
function hydrate(appview: string, uri: string): Promise<Hydrated | null> {
  return new Promise((found, failed) => {
    if (Date.now() < restsUntil) return failed(unreachable())
    waiting.push({ uri, found, failed })
    if (waiting.length === 1) setTimeout(() => void ask(appview), 20)
  })
}

async function ask(appview: string) {
  const all = waiting
  waiting = []
  for (let at = 0; at < all.length; at += AT_ONCE) {
    const some = all.slice(at, at + AT_ONCE)
    try {
      const query = some.map(({ uri }) => `uris=${encodeURIComponent(uri)}`).join('&')
      const answer = await fetch(`${appview}/xrpc/app.bsky.feed.getPosts?${query}`, {
        credentials: 'omit',
        signal: AbortSignal.timeout(PATIENCE_MS),
      })
      if (!answer.ok) throw unreachable()
      const posts = read(await answer.json())
      for (const { uri, found } of some) found(posts.get(uri) ?? null)
    } catch (cause) {
      restsUntil = Date.now() + REST_MS
      for (const { failed } of all.slice(at)) failed(cause)
      return
    }
  }
}

type Loose = { [key: string]: unknown }
const loose = (value: unknown): Loose => (typeof value === 'object' && value !== null ? (value as Loose) : {})
const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const count = (value: unknown): number => (typeof value === 'number' && value >= 0 ? value : 0)
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
const picture = (value: unknown): string | undefined => (/^https?:\/\//.test(text(value)) ? text(value) : undefined)

/** Reads an answer of `getPosts`, by AT-URI. */
export function read(answer: unknown): Map<string, Hydrated> {
  const posts = new Map<string, Hydrated>()
  for (const view of list(loose(answer).posts).map(loose)) {
    const [author, record, embed] = [loose(view.author), loose(view.record), loose(view.embed)]
    const images = list(embed.images ?? loose(embed.media).images).map(loose)
    posts.set(text(view.uri), {
      text: text(record.text),
      name: text(author.displayName),
      handle: text(author.handle),
      avatar: picture(author.avatar),
      images: images.flatMap((image) => (picture(image.thumb) ? [{ thumb: text(image.thumb), alt: text(image.alt) }] : [])).slice(0, 4),
      likes: count(view.likeCount),
      replies: count(view.replyCount),
      reposts: count(view.repostCount),
    })
  }
  return posts
}

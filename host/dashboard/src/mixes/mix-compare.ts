/** How a page of the feed differs from another: which posts move, come and go. Only places count, nothing that posts say. */
import type { MixPreview } from '@/api/mixes'

export type Seen = MixPreview['posts'][number]

export type Move = { kind: 'up' | 'down'; places: number } | { kind: 'same' | 'new' | 'gone' }

/** A post at its place, from 1 on, and what becomes of it. */
export type Row = { post: Seen; place: number; move: Move }

export type Difference = {
  /** The page that is shown now. Its posts stay, move, or are gone. */
  now: Row[]
  /** The page that would be. Its posts stayed, moved, or are new. */
  tried: Row[]
  counts: Record<Move['kind'], number>
}

export function compare(now: Seen[], tried: Seen[]): Difference {
  const [placesNow, placesTried] = [placesOf(now), placesOf(tried)]
  const difference: Difference = {
    now: now.map((post, at) => ({ post, place: at + 1, move: moveOf(at + 1, placesTried.get(post.uri)) })),
    tried: tried.map((post, at) => ({ post, place: at + 1, move: moveOf(placesNow.get(post.uri), at + 1) })),
    counts: { up: 0, down: 0, same: 0, new: 0, gone: 0 },
  }
  for (const { move } of difference.tried) difference.counts[move.kind]++
  difference.counts.gone = difference.now.filter(({ move }) => move.kind === 'gone').length
  return difference
}

/** Where posts are, by their address; the first place where one is there twice. */
function placesOf(posts: Seen[]): Map<string, number> {
  const places = new Map<string, number>()
  for (const [at, { uri }] of posts.entries()) if (!places.has(uri)) places.set(uri, at + 1)
  return places
}

function moveOf(before: number | undefined, after: number | undefined): Move {
  if (after === undefined) return { kind: 'gone' }
  if (before === undefined) return { kind: 'new' }
  if (before === after) return { kind: 'same' }
  return before > after ? { kind: 'up', places: before - after } : { kind: 'down', places: after - before }
}

/**
 * How a feed is shared among its sources, in whole percent that always sum to 100, and in which order the default mix fills it.
 *
 * The API speaks of fractions that sum to 1, and a record of whole percent.
 */
import type { FeedMix } from '@/api/communities'

export const SOURCES = ['own', 'parent', 'global'] as const
export type Source = (typeof SOURCES)[number]
export type Shares = Record<Source, number>

export function sharesOf(mix: FeedMix): Shares {
  const [own = 100, parent = 0, global = 0] = spread(
    100,
    SOURCES.map((source) => mix[source]),
  )
  return { own, parent, global }
}

export function mixOf(shares: Shares): FeedMix {
  return { own: shares.own / 100, parent: shares.parent / 100, global: shares.global / 100 }
}

export function sameShares(one: Shares, other: Shares): boolean {
  return SOURCES.every((source) => one[source] === other[source])
}

/**
 * The shares after one was given a value. The others share the rest in proportion to what they had, or alike if they had nothing.
 * Without a parent that counts, none of it goes there.
 */
export function moved(shares: Shares, source: Source, value: number, hasParent: boolean): Shares {
  const mine = Math.min(100, Math.max(0, Math.round(value)))
  const others = SOURCES.filter((other) => other !== source && (other !== 'parent' || hasParent))
  const rest = spread(
    100 - mine,
    others.map((other) => shares[other]),
  )
  const after: Shares = { own: 0, parent: 0, global: 0, [source]: mine }
  others.forEach((other, at) => {
    after[other] = rest[at] ?? 0
  })
  return after
}

/** What is so where no parent counts: its share goes to the others, and to the community's own posts if there are no others. */
export function withoutParent(shares: Shares): Shares {
  if (shares.parent === 0) return shares
  return shares.own + shares.global === 0 ? { own: 100, parent: 0, global: 0 } : moved(shares, 'parent', 0, false)
}

/** A whole number in whole parts by these weights. What rounding leaves goes to the largest remainders, of equal ones to the first. */
function spread(whole: number, weights: number[]): number[] {
  const sum = weights.reduce((sum, weight) => sum + weight, 0)
  const due = weights.map((weight) => (sum > 0 ? (whole * weight) / sum : whole / weights.length))
  const parts = due.map((part) => Math.floor(part + 1e-9))
  const left = whole - parts.reduce((sum, part) => sum + part, 0)
  const byRemainder = due
    .map((part, at) => ({ at, remainder: part - (parts[at] ?? 0) }))
    .sort((one, other) => other.remainder - one.remainder)
  for (const { at } of byRemainder.slice(0, left)) parts[at] = (parts[at] ?? 0) + 1
  return parts
}

/**
 * From which source the first places of a feed are, if each has enough posts: place by place the source that is furthest below its share.
 * It is the order of the default mix (`components/feed-mix`), in whole numbers like there.
 */
export function sequence(shares: Shares, places: number): Source[] {
  const given: Shares = { own: 0, parent: 0, global: 0 }
  const missing = (source: Source, place: number) => shares[source] * place - given[source] * 100
  return Array.from({ length: places }, (_, at) => {
    const next = SOURCES.filter((source) => shares[source] > 0).reduce((best, source) =>
      missing(source, at + 1) > missing(best, at + 1) ? source : best,
    )
    given[next] += 1
    return next
  })
}

/** Letters as people count them: a flag is one, and so is a letter with its accents. */
const words = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

export function letters(text: string): number {
  let count = 0
  for (const _ of words.segment(text)) count++
  return count
}

/** What a text may have; bytes in UTF-8, of which a letter may have dozens. */
export type Bound = { letters: number; bytes: number }

export const NAME: Bound = { letters: 100, bytes: 1_000 }
export const DESCRIPTION: Bound = { letters: 500, bytes: 5_000 }

/** Letters of a feed's name in Bluesky. */
export const FEED_NAME = 24

/** How many letters are left; below zero if there are too many. Blanks around it don't count: they aren't kept. */
export function left(text: string, bound: Bound): number {
  return bound.letters - letters(text.trim())
}

export function fits(text: string, bound: Bound): boolean {
  return left(text, bound) >= 0 && new TextEncoder().encode(text.trim()).length <= bound.bytes
}

import { expect, test } from 'vitest'
import { compare, type Move, type Seen } from './mix-compare'

const page = (names: string): Seen[] =>
  [...names].map((name) => ({ uri: `at://did:plc:x/app.bsky.feed.post/${name}`, author: 'did:plc:x', source: 'own', pinned: false }))

const word = (move: Move) => ('places' in move ? `${move.kind} ${move.places}` : move.kind)

/** What is said of each post of the page that would be, and which of those that are shown now would be gone. */
function check(now: string, tried: string, moves: string[], gone = '') {
  const difference = compare(page(now), page(tried))
  expect(difference.tried.map(({ move }) => word(move))).toEqual(moves)
  expect(difference.now.filter(({ move }) => move.kind === 'gone').map(({ post }) => post.uri.at(-1))).toEqual([...gone])
}

test('a post is told by its place alone whether it moves, stays, comes or goes', () => {
  check('', '', [])
  check('ab', 'ab', ['same', 'same'])
  check('abc', 'cab', ['up 2', 'down 1', 'down 1'])
  check('abc', 'xabc', ['new', 'down 1', 'down 1', 'down 1'])
  check('abc', 'ac', ['same', 'up 1'], 'b')
  check('ab', '', [], 'ab')
  check('', 'ab', ['new', 'new'])
})

test('a post that is on a page twice counts where it is seen first', () => {
  check('aba', 'ba', ['up 1', 'down 1'])
})

test('places begin at one on both pages, and everything is counted', () => {
  const { now, tried, counts } = compare(page('abcd'), page('dbxa'))
  expect(now.map(({ place }) => place)).toEqual([1, 2, 3, 4])
  expect(tried.map(({ place }) => place)).toEqual([1, 2, 3, 4])
  expect(counts).toEqual({ up: 1, down: 1, same: 1, new: 1, gone: 1 })
})

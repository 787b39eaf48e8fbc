import { describe, expect, it } from 'vitest'
import { mixOf, moved, type Shares, sequence, sharesOf, withoutParent } from './mix-shares'

const shares = (own: number, parent: number, global: number): Shares => ({ own, parent, global })
const sum = ({ own, parent, global }: Shares) => own + parent + global

describe('shares', () => {
  it.each([
    [shares(80, 15, 5), 'own', 60, true, shares(60, 30, 10)],
    [shares(80, 15, 5), 'own', 100, true, shares(100, 0, 0)],
    [shares(80, 15, 5), 'parent', 0, true, shares(94, 0, 6)],
    [shares(100, 0, 0), 'own', 90, true, shares(90, 5, 5)],
    [shares(100, 0, 0), 'own', 90, false, shares(90, 0, 10)],
    [shares(100, 0, 0), 'global', 25, true, shares(75, 0, 25)],
    [shares(34, 33, 33), 'own', 33, true, shares(33, 34, 33)],
    [shares(80, 15, 5), 'own', 180, true, shares(100, 0, 0)],
    [shares(80, 15, 5), 'own', -7, false, shares(0, 0, 100)],
  ] as const)('of %o with %s at %d (parent: %s)', (before, source, value, hasParent, after) => {
    expect(moved(before, source, value, hasParent)).toEqual(after)
  })

  it('sum to 100 whatever is moved where, and none is negative', () => {
    for (let own = 0; own <= 100; own += 7) {
      for (let parent = 0; own + parent <= 100; parent += 3) {
        for (let value = 0; value <= 100; value++) {
          for (const source of ['own', 'parent', 'global'] as const) {
            const after = moved(shares(own, parent, 100 - own - parent), source, value, true)
            if (sum(after) !== 100 || Math.min(after.own, after.parent, after.global) < 0 || after[source] !== value)
              expect.fail(JSON.stringify({ own, parent, source, value, after }))
          }
        }
      }
    }
  })

  it('give the share of a parent that does not count to the others', () => {
    expect(withoutParent(shares(80, 15, 5))).toEqual(shares(94, 0, 6))
    expect(withoutParent(shares(0, 100, 0))).toEqual(shares(100, 0, 0))
    expect(withoutParent(shares(0, 40, 60))).toEqual(shares(0, 0, 100))
  })

  it('come from fractions and go back to the same', () => {
    for (const mix of [
      { own: 1, parent: 0, global: 0 },
      { own: 0.8, parent: 0.15, global: 0.05 },
      { own: 0.29, parent: 0.57, global: 0.14 },
    ]) {
      expect(mixOf(sharesOf(mix))).toEqual(mix)
    }
    expect(sharesOf({ own: 1 / 3, parent: 1 / 3, global: 1 / 3 })).toEqual(shares(34, 33, 33))
  })
})

describe('the order of the default mix', () => {
  it.each([
    [shares(100, 0, 0), 'ooo'],
    [shares(50, 50, 0), 'opopop'],
    [shares(34, 33, 33), 'opgopgopg'],
    [shares(80, 15, 5), 'oopooooogoopooooopoo'],
    [shares(0, 0, 100), 'gg'],
  ])('of %o', (mix, expected) => {
    const letters = sequence(mix, expected.length).map((source) => source[0])
    expect(letters.join('')).toBe(expected)
  })
})

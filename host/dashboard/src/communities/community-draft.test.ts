import { describe, expect, it } from 'vitest'
import { Problem } from '@/api/problem'
import { community } from '@/test/community'
import { BLANK, changes, counting, draftOf, faultsOf, refusedField, wishOf } from './community-draft'

const PARENT = 'at://did:plc:ann/net.atrarium.community.config/insects'
const moths = draftOf(community({ parent: PARENT, stage: 'community', feedMix: { own: 0.8, parent: 0.15, global: 0.05 } }))

describe('a change', () => {
  it('says only what differs', () => {
    expect(changes(moths, moths)).toEqual({})
    expect(changes(moths, { ...moths, name: '  Night moths ' })).toEqual({})
    expect(changes(moths, { ...moths, name: 'Moths', description: ' By lamplight ' })).toEqual({
      name: 'Moths',
      description: 'By lamplight',
    })
  })

  it('takes a description and a parent away with an empty text', () => {
    expect(changes({ ...moths, description: 'Old' }, moths)).toEqual({ description: '' })
    expect(changes(moths, { ...moths, parent: '' })).toEqual({ parent: '' })
  })

  it('leaves the mix alone when only the parent stops counting, so that it counts again later', () => {
    const graduated = { ...moths, stage: 'graduated' as const }
    expect(counting(graduated)).toEqual({ own: 94, parent: 0, global: 6 })
    expect(changes(moths, graduated)).toEqual({ stage: 'graduated' })
    expect(counting({ ...graduated, stage: 'theme' })).toEqual(moths.shares)
  })

  it('never asks for a share of a parent that does not count', () => {
    const shares = { own: 50, parent: 40, global: 10 }
    expect(changes(moths, { ...moths, shares })).toEqual({ feedMix: { own: 0.5, parent: 0.4, global: 0.1 } })
    expect(changes(moths, { ...moths, shares, parent: '' })).toEqual({ parent: '', feedMix: { own: 0.83, parent: 0, global: 0.17 } })
    expect(wishOf({ ...BLANK, name: ' Moths ', shares })).toEqual({
      name: 'Moths',
      description: undefined,
      stage: 'theme',
      parent: undefined,
      feedMix: { own: 0.83, parent: 0, global: 0.17 },
    })
  })
})

describe('a name and a description', () => {
  const check = (name: string, description = '') => faultsOf({ ...BLANK, name, description })

  it('are counted in letters as people count them', () => {
    expect(check('🇯🇵'.repeat(100), '蛾'.repeat(500))).toEqual({})
    expect(check('🇯🇵'.repeat(101), '蛾'.repeat(501))).toEqual({ name: 'tooMany', description: 'tooMany' })
    expect(check(`  ${'e\u0301'.repeat(100)}  `)).toEqual({})
  })

  it('have bounds in bytes, too, and a name is needed', () => {
    expect(check('🏳️‍🌈'.repeat(100))).toEqual({ name: 'tooLarge' })
    expect(check('   ')).toEqual({ name: 'missing' })
  })
})

it('a refusal is shown at the field that it names', () => {
  const refused = (message: string, status = 422) => refusedField(new Problem(status, 'Unprocessable', message))
  expect(refused('name must not be empty')).toBe('name')
  expect(refused('description may have 500 letters and 5000 bytes in UTF-8, and has 5001 bytes')).toBe('description')
  expect(refused('feedMix: there is no parent to take anything from; give its share to own or global')).toBeUndefined()
  expect(refused('name servers are down', 502)).toBeUndefined()
})

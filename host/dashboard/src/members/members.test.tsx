import { act, screen, waitFor, within } from '@testing-library/react'
import { describe, expect, test, vi } from 'vitest'
import type { Community } from '@/api/communities'
import type { Member } from '@/api/members'
import { type Answers, type Call, Events, network, problem, startAs, visit } from '@/test/render'

const OWNER = 'did:plc:olga'

const moths = (more: Partial<Community> = {}): Community => ({
  id: 'moths',
  uri: `at://${OWNER}/net.atrarium.community.config/moths`,
  feed: `at://${OWNER}/app.bsky.feed.generator/moths`,
  owner: OWNER,
  name: 'Moths',
  hashtag: '#atrarium_a1b2c3d4',
  stage: 'community',
  feedMix: { own: 100, parent: 0, global: 0 },
  moderators: ['did:plc:milo'],
  memberCount: 5,
  postCount: 0,
  createdAt: '2026-01-01T00:00:00.000Z',
  role: 'owner',
  blocked: false,
  sharedHashtag: false,
  ...more,
})

const member = (name: string, more: Partial<Member> = {}): Member => ({
  did: `did:plc:${name}`,
  handle: `${name}.example.com`,
  role: 'member',
  blocked: false,
  active: true,
  since: '2026-03-01T00:00:00.000Z',
  ...more,
})

const FIVE = [
  member('ann', { since: '2026-05-01T00:00:00.000Z' }),
  member('bea', { handle: null, blocked: true, since: '2026-02-01T00:00:00.000Z' }),
  member('cy', { active: false }),
  member('milo', { role: 'moderator', since: undefined }),
  member('olga', { role: 'owner', since: '2026-01-01T00:00:00.000Z' }),
]

const MEMBERS = 'GET /api/communities/moths/members'

/** Answers as many at a time as the program does. */
const paged = (all: Member[]) => (call: Call) => {
  const at = Number(call.query.get('cursor') ?? 0)
  const next = at + Number(call.query.get('limit'))
  return { members: all.slice(at, next), total: all.length, cursor: next < all.length ? String(next) : undefined }
}

/** Many, and among the last of them the owner and the moderator. */
const many = (count: number) => [
  ...Array.from({ length: count - 2 }, (_, number) => member(`a${String(number).padStart(5, '0')}`)),
  member('milo', { role: 'moderator' }),
  member('olga', { role: 'owner' }),
]

function answers(all: Member[], more: Answers = {}): Answers {
  return { 'GET /api/auth/start': startAs({ did: OWNER }), 'GET /api/communities/moths': moths(), [MEMBERS]: paged(all), ...more }
}

async function open(given: Answers, language: 'en' | 'ja' = 'en') {
  const calls = network(given)
  return { calls, ...(await visit('/communities/moths/members', language)) }
}

const names = () => screen.getAllByRole('rowheader').map((cell) => within(cell).getByRole('link').textContent)
const asked = (calls: Call[]) => calls.filter(({ method, path }) => method === 'GET' && path === '/api/communities/moths/members').length

describe('the list', () => {
  test('brings all pages by itself, has few rows on the page, and the owner and moderators first', async () => {
    const { calls } = await open(answers(many(2_500)))
    expect(await screen.findByText('2,500 members', { selector: '[role=status]' })).toBeInTheDocument()
    expect(asked(calls)).toBe(3)
    expect(screen.getByRole('table', { name: 'Members of Moths' })).toHaveAttribute('aria-rowcount', '2501')
    expect(names().slice(0, 3)).toEqual(['@olga.example.com', '@milo.example.com', '@a00000.example.com'])
    expect(screen.getAllByRole('row').length).toBeLessThan(60)
    expect(screen.getAllByRole('row')[1]).toHaveAttribute('aria-rowindex', '2')
  })

  test('keeps a place for whom the community names, until they come', async () => {
    let give = (_: unknown) => {}
    const third = new Promise((resolve) => {
      give = resolve
    })
    const all = many(2_500)
    const slowly = async (call: Call) => {
      if (call.query.get('cursor') === '2000') await third
      return paged(all)(call)
    }
    await open(answers(all, { [MEMBERS]: slowly }))
    await screen.findByText('2,000 of 2,500 loaded…')
    expect(names().slice(0, 3)).toEqual(['did:plc:olga', 'did:plc:milo', '@a00000.example.com'])
    expect(screen.getAllByText('on its way')).not.toHaveLength(0)
    await act(async () => give(undefined))
    await screen.findByText('2,500 members', { selector: '[role=status]' })
    expect(names().slice(0, 3)).toEqual(['@olga.example.com', '@milo.example.com', '@a00000.example.com'])
  })

  test('stops where a page does not come, and goes on when it is tried again', async () => {
    let busy = true
    const all = many(2_500)
    const { user } = await open(
      answers(all, {
        [MEMBERS]: (call: Call) => (busy && call.query.get('cursor') ? problem(503, 'Unavailable', 'it is too busy') : paged(all)(call)),
      }),
    )
    expect(await screen.findByText('Stopped at 1,000 of 2,500.')).toBeInTheDocument()
    expect(names()).toContain('@a00000.example.com')
    busy = false
    await user.click(screen.getByRole('button', { name: 'Try again' }))
    expect(await screen.findByText('2,500 members', { selector: '[role=status]' })).toBeInTheDocument()
  })

  test('of a very large community brings ten thousand, and more when asked', async () => {
    const { calls, user } = await open(answers(many(11_500)))
    expect(await screen.findByText('These are the first 10,000 of 11,500 members.', {}, { timeout: 10_000 })).toBeInTheDocument()
    expect(asked(calls)).toBe(10)
    await user.type(screen.getByRole('searchbox', { name: 'Find somebody' }), 'a00001')
    expect(await screen.findByText('1 found among the first 10,000 of 11,500')).toBeInTheDocument()
    await user.clear(screen.getByRole('searchbox'))
    await user.click(screen.getByRole('button', { name: 'Load more' }))
    expect(await screen.findByText('11,500 members', { selector: '[role=status]' }, { timeout: 10_000 })).toBeInTheDocument()
  }, 30_000)

  test('of many pages is read anew after a change, but not at each', async () => {
    const { calls } = await open(answers(many(2_500)))
    await screen.findByText('2,500 members', { selector: '[role=status]' })
    vi.useFakeTimers({ shouldAdvanceTime: true })
    try {
      for (let time = 0; time < 5; time++) {
        Events.open[0]?.dispatchEvent(new Event('member'))
        await act(() => vi.advanceTimersByTimeAsync(2_000))
      }
      expect(asked(calls)).toBe(3)
      await act(() => vi.advanceTimersByTimeAsync(60_000))
      await waitFor(() => expect(asked(calls)).toBe(6))
    } finally {
      vi.useRealTimers()
    }
  })

  test('that can’t be had says so, and is had again', async () => {
    let busy = true
    const { user } = await open(
      answers(FIVE, { [MEMBERS]: (call: Call) => (busy ? problem(503, 'Unavailable', 'it is too busy') : paged(FIVE)(call)) }),
    )
    expect(await screen.findByRole('alert')).toHaveTextContent('It is too busy')
    busy = false
    await user.click(screen.getByRole('button', { name: 'Try again' }))
    expect(await screen.findByText('5 members', { selector: '[role=status]' })).toBeInTheDocument()
  })
})

describe('looking for somebody', () => {
  test('by the headings, which say how it is sorted; who has no handle comes last either way', async () => {
    const { user } = await open(answers(FIVE))
    await screen.findByText('@ann.example.com')
    const heading = (name: string) => screen.getByRole('columnheader', { name })
    expect(heading('Role')).toHaveAttribute('aria-sort', 'ascending')
    const who = within(heading('Who')).getByRole('button')
    await user.click(who)
    expect(heading('Who')).toHaveAttribute('aria-sort', 'ascending')
    expect(heading('Role')).toHaveAttribute('aria-sort', 'none')
    expect(names()).toEqual(['@ann.example.com', '@cy.example.com', '@milo.example.com', '@olga.example.com', 'did:plc:bea'])
    await user.click(who)
    expect(names()).toEqual(['@olga.example.com', '@milo.example.com', '@cy.example.com', '@ann.example.com', 'did:plc:bea'])
    await user.click(within(heading('Since')).getByRole('button'))
    expect(heading('Since')).toHaveAttribute('aria-sort', 'descending')
    expect(names()).toEqual(['@ann.example.com', '@cy.example.com', 'did:plc:bea', '@olga.example.com', '@milo.example.com'])
    await user.click(within(heading('State')).getByRole('button'))
    expect(names().slice(0, 2)).toEqual(['did:plc:bea', '@cy.example.com'])
  })

  test('by text, role and state, with how many there are', async () => {
    const { user } = await open(answers(FIVE))
    await screen.findByText('@ann.example.com')
    await user.type(screen.getByRole('searchbox'), '@MILO')
    expect(await screen.findByText('1 of 5 members')).toBeInTheDocument()
    expect(names()).toEqual(['@milo.example.com'])
    await user.clear(screen.getByRole('searchbox'))
    await user.type(screen.getByRole('searchbox'), 'plc:bea')
    expect(names()).toEqual(['did:plc:bea'])
    await user.selectOptions(screen.getByRole('combobox', { name: 'State' }), 'Blocked')
    expect(names()).toEqual(['did:plc:bea'])
    await user.selectOptions(screen.getByRole('combobox', { name: 'Role' }), 'Moderator')
    expect(screen.getByText('Nobody like that')).toBeInTheDocument()
    expect(screen.getByText('0 of 5 members')).toBeInTheDocument()
    await user.click(screen.getByRole('button', { name: 'Show everyone' }))
    expect(names()).toHaveLength(5)
  })
})

describe('moderators', () => {
  const choose = async (user: Awaited<ReturnType<typeof visit>>['user'], who: string, what: string) => {
    await user.click(await screen.findByRole('button', { name: `What to do with ${who}` }))
    await user.click(await screen.findByRole('menuitem', { name: what }))
    return screen.findByRole('dialog')
  }

  test('are appointed after it was said what they may do', async () => {
    const { calls, user } = await open(
      answers(FIVE, { 'PUT /api/communities/moths/members/did%3Aplc%3Aann': { did: 'did:plc:ann', role: 'moderator' } }),
    )
    const dialog = await choose(user, '@ann.example.com', 'Make a moderator…')
    expect(dialog).toHaveTextContent('hide posts from the feed')
    expect(dialog).toHaveTextContent('Each decision is public')
    expect(calls.some(({ method }) => method === 'PUT')).toBe(false)
    await user.click(within(dialog).getByRole('button', { name: 'Make a moderator' }))
    expect(await screen.findByText('@ann.example.com is a moderator now.')).toBeInTheDocument()
    expect(screen.queryByRole('dialog')).not.toBeInTheDocument()
    expect(calls.find(({ method }) => method === 'PUT')?.body).toEqual({ role: 'moderator' })
  })

  test.each([
    [undefined, true],
    ['Let them end', false],
  ])('are dismissed, and what they decided goes on to count unless the owner says otherwise (%s)', async (choice, keepActions) => {
    const { calls, user } = await open(
      answers(FIVE, { 'PUT /api/communities/moths/members/did%3Aplc%3Amilo': { did: 'did:plc:milo', role: 'member' } }),
    )
    const dialog = await choose(user, '@milo.example.com', 'Remove as moderator…')
    expect(within(dialog).getByRole('radio', { name: /Keep them in force/ })).toBeChecked()
    if (choice) await user.click(within(dialog).getByRole('radio', { name: new RegExp(choice) }))
    await user.click(within(dialog).getByRole('button', { name: 'Remove as moderator' }))
    await screen.findByText('@milo.example.com is no longer a moderator.')
    expect(calls.find(({ method }) => method === 'PUT')?.body).toEqual({ role: 'member', keepActions })
  })

  test('a refusal is told in the dialog, which stays', async () => {
    const refused = problem(409, 'TooManyModerators', 'a community may have 50 moderators')
    const { user } = await open(answers(FIVE, { 'PUT /api/communities/moths/members/did%3Aplc%3Aann': refused }))
    const dialog = await choose(user, '@ann.example.com', 'Make a moderator…')
    await user.click(within(dialog).getByRole('button', { name: 'Make a moderator' }))
    expect(await within(dialog).findByRole('alert')).toHaveTextContent('A community may have 50 moderators')
    expect(screen.queryByText('@ann.example.com is a moderator now.')).not.toBeInTheDocument()
  })

  test('are the owner’s to choose: others have no menu, and members no way to moderation', async () => {
    const start = { 'GET /api/auth/start': startAs({ did: 'did:plc:ann' }) }
    await open(answers(FIVE, { ...start, 'GET /api/communities/moths': moths({ role: 'member' }) }))
    const own = (await screen.findByText('@ann.example.com')).closest('tr')
    expect(own).toHaveTextContent('you')
    expect(screen.queryByRole('button', { name: /What to do/ })).not.toBeInTheDocument()
    expect(screen.queryByRole('link', { name: 'Hide posts or block people' })).not.toBeInTheDocument()
  })
})

test('speaks Japanese', async () => {
  await open(answers(FIVE), 'ja')
  expect(await screen.findByText('5人のメンバー')).toBeInTheDocument()
  expect(screen.getByRole('columnheader', { name: '参加日' })).toBeInTheDocument()
})

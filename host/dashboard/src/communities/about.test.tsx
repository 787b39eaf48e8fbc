import { screen, within } from '@testing-library/react'
import { expect, test } from 'vitest'
import { community } from '@/test/community'
import { network, startAs, visit } from '@/test/render'

const days = [
  { day: '2026-11-19', posts: 4, authors: 2 },
  { day: '2026-11-20', posts: 1, authors: 1 },
]

const pages = (more: Parameters<typeof community>[0] = {}) => ({
  'GET /api/auth/start': startAs(),
  'GET /api/communities/moths': community(more),
  'GET /api/communities/moths/stats': { memberCount: 3, postCount: 5, authorCount: 2, heldCount: 1, days },
  'GET /api/communities/moths/children': { communities: [community({ id: 'hawks', name: 'Hawk-moths' })] },
})

test('the week is there for eyes, fingers and ears', async () => {
  network(pages())
  const { user } = await visit('/communities/moths/about')
  const thursday = await screen.findByRole('button', { name: 'Thu 19: 4 posts, 2 people' })
  expect(screen.getByRole('figure')).toHaveTextContent('Friday, Nov 20: 1 post, 1 person')
  await user.hover(thursday)
  expect(screen.getByRole('figure')).toHaveTextContent('Thursday, Nov 19: 4 posts, 2 people')
  await user.click(screen.getByText('The same as a table'))
  const rows = within(screen.getByRole('table')).getAllByRole('row')
  expect(
    rows.map((row) =>
      within(row)
        .queryAllByRole('cell')
        .map((cell) => cell.textContent),
    ),
  ).toEqual([[], ['4', '2'], ['1', '1']])
})

test('shares and held posts are in words, and relatives are linked', async () => {
  const parent = 'at://did:plc:olga/net.atrarium.community.config/insects'
  network({
    ...pages({ parent, feedMix: { own: 0.8, parent: 0.15, global: 0.05 } }),
    [`GET /api/communities/${encodeURIComponent(parent)}`]: community({ id: 'insects', name: 'Insects' }),
  })
  await visit('/communities/moths/about')
  expect(await screen.findByText('80%')).toBeInTheDocument()
  expect(screen.getByText('15%')).toBeInTheDocument()
  expect(screen.getByText(/their authors are not members yet/)).toBeInTheDocument()
  expect(await screen.findByRole('link', { name: 'Insects' })).toHaveAttribute('href', '/communities/insects')
  expect(await screen.findByRole('link', { name: 'Hawk-moths' })).toHaveAttribute('href', '/communities/hawks')
})

test('a parent that is gone breaks nothing', async () => {
  network(pages({ parent: 'at://did:plc:olga/net.atrarium.community.config/gone' }))
  await visit('/communities/moths/about')
  expect(await screen.findByText('Its parent is not on this host, or is closed.')).toBeInTheDocument()
})

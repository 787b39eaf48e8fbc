import { act, screen, waitFor, within } from '@testing-library/react'
import { expect, test } from 'vitest'
import { community } from '@/test/community'
import { type Answers, Events, network, problem, startAs, visit } from '@/test/render'

const pages = (more: Parameters<typeof community>[0]): Answers => ({
  'GET /api/auth/start': startAs(),
  'GET /api/communities/moths': () => community({ owner: 'did:plc:mia', ...more }),
  'GET /api/communities/moths/posts': { posts: [] },
})

test('who is no member joins after having read that it becomes public', async () => {
  let role: 'member' | null = null
  const calls = network({
    ...pages({}),
    'GET /api/communities/moths': () => community({ owner: 'did:plc:mia', role }),
    'POST /api/communities/moths/members': () => {
      role = 'member'
      return Response.json({ did: 'did:plc:me', role, blocked: false, active: true }, { status: 201 })
    },
  })
  const { user } = await visit('/communities/moths')
  await user.click(await screen.findByRole('button', { name: 'Join' }))
  const dialog = screen.getByRole('dialog', { name: 'Join Night moths?' })
  expect(dialog).toHaveTextContent('It is public: everybody can see that you belong')
  expect(calls.filter(({ method }) => method === 'POST')).toEqual([])

  await user.click(within(dialog).getByRole('button', { name: 'Join' }))
  expect(await screen.findByRole('button', { name: 'Leave' })).toHaveFocus()
  expect(screen.queryByRole('dialog')).not.toBeInTheDocument()
  expect(screen.getByText('You are a member of Night moths now.')).toBeInTheDocument()
})

test('what keeps somebody from joining is said where they tried', async () => {
  network({
    ...pages({ role: null }),
    'POST /api/communities/moths/members': () => problem(502, 'PdsFailed', 'your server did not answer'),
  })
  const { user } = await visit('/communities/moths')
  await user.click(await screen.findByRole('button', { name: 'Join' }))
  await user.click(within(await screen.findByRole('dialog')).getByRole('button', { name: 'Join' }))
  expect(await within(screen.getByRole('dialog')).findByRole('alert')).toHaveTextContent('Your server did not answer')
})

test('the owner has all ways, and none out', async () => {
  network(pages({ role: 'owner', owner: 'did:plc:me' }))
  await visit('/communities/moths')
  const tabs = within(await screen.findByRole('navigation', { name: 'This community' }))
  expect(tabs.getAllByRole('link').map((link) => link.textContent)).toEqual([
    'Posts',
    'About',
    'Members',
    'Moderation',
    'Feed mix',
    'Settings',
    'Why?',
  ])
  expect(tabs.getByRole('link', { current: 'page' })).toHaveTextContent('Posts')
  expect(screen.queryByRole('button', { name: /^(Join|Leave)$/ })).not.toBeInTheDocument()
})

test('a moderator sees neither the owner’s ways nor one out', async () => {
  network(pages({ role: 'moderator', moderators: ['did:plc:me'] }))
  await visit('/communities/moths')
  expect(await screen.findByText('You are a moderator')).toBeInTheDocument()
  expect(screen.queryByRole('link', { name: /^(Feed mix|Settings)$/ })).not.toBeInTheDocument()
  expect(screen.queryByRole('button', { name: /^(Join|Leave)$/ })).not.toBeInTheDocument()
})

test('who is blocked learns it, and can’t join', async () => {
  network(pages({ role: null, blocked: true }))
  await visit('/communities/moths')
  expect(await screen.findByText('You are blocked here')).toBeInTheDocument()
  expect(screen.getByRole('link', { name: 'See when and why' })).toHaveAttribute('href', '/communities/moths/moderation')
  expect(screen.queryByRole('button', { name: 'Join' })).not.toBeInTheDocument()
})

test('the feed is found in Bluesky', async () => {
  network(pages({}))
  await visit('/communities/moths')
  const link = await screen.findByRole('link', { name: 'Open in Bluesky' })
  expect(link).toHaveAttribute('href', 'https://bsky.app/profile/did:plc:mia/feed/moths')
})

test('a connection that is lost is told, one that is open is not', async () => {
  network(pages({}))
  await visit('/communities/moths')
  await screen.findByRole('heading', { level: 1, name: 'Night moths' })
  await waitFor(() => expect(Events.open).toHaveLength(1))
  act(() => Events.open[0]?.onopen?.())
  expect(screen.getByText('Live').closest('[role=status]')).toBeNull()
  act(() => Events.open[0]?.onerror?.())
  expect(screen.getByText('The connection is lost. Trying again…').closest('[role=status]')).not.toBeNull()
})

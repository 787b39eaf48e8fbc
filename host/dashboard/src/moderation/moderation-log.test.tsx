import { screen, waitFor, within } from '@testing-library/react'
import { expect, test } from 'vitest'
import type { Action } from '@/api/moderation'
import { community } from '@/test/community'
import { type Answers, network, startAs, visit } from '@/test/render'

function action(rkey: string, more: Partial<Action> = {}): Action {
  const author = more.author ?? 'did:plc:olga'
  return {
    uri: `at://${author}/net.atrarium.moderation.action/${rkey}`,
    rkey,
    author,
    authorHandle: 'olga.example.com',
    action: 'hide_post',
    target: 'at://did:plc:mia/app.bsky.feed.post/3k',
    community: 'at://did:plc:olga/net.atrarium.community.config/moths',
    reason: null,
    via: null,
    createdAt: '2026-11-20T12:00:00.000Z',
    authorHasSay: true,
    decides: true,
    ...more,
  }
}

const pages = (role: 'moderator' | 'member', actions: Action[]): Answers => ({
  'GET /api/auth/start': startAs(),
  'GET /api/communities/moths': community({
    role,
    owner: 'did:plc:olga',
    moderators: role === 'moderator' ? ['did:plc:me', 'did:plc:jun'] : ['did:plc:jun'],
  }),
  'GET /api/moderation/actions': { actions },
})

test('each line says who did what, why, and whether it counts', async () => {
  network(
    pages('member', [
      action('a', { reason: 'Off topic' }),
      action('b', { action: 'block_user', target: 'did:plc:kai', decides: false }),
      action('c', { author: 'did:plc:eve', authorHandle: null, decides: false, authorHasSay: false }),
      action('d', { author: 'did:plc:jun', authorHandle: 'jun.example.com', decides: false, authorHasSay: false }),
      action('e', { via: 'at://did:plc:eve/net.atrarium.moderation.action/x' }),
    ]),
  )
  await visit('/communities/moths/moderation')
  const lines = (await screen.findAllByRole('listitem')).map((item) => item.textContent)
  expect(lines[0]).toContain('@olga.example.com hid a post')
  expect(lines[0]).toContain('Reason: Off topic')
  expect(lines[0]).toContain('Counts now')
  expect(lines[1]).toContain('@olga.example.com blocked did:plc:kai')
  expect(lines[1]).toContain('Replaced by a later action')
  expect(lines[2]).toContain('its author is no moderator any more')
  expect(lines[3]).toContain('its author may not act on this person')
  expect(lines[4]).toContain('from a former moderator, did:plc:eve')
  // Whoever may not moderate reads, and no more.
  expect(within(screen.getByRole('main')).queryByRole('button', { name: /Undo|Moderate/ })).not.toBeInTheDocument()
})

test('one’s own action is undone after it was said what that changes', async () => {
  const actions = [action('mine', { author: 'did:plc:me' }), action('other')]
  const calls = network({
    ...pages('moderator', actions),
    'DELETE /api/moderation/actions/mine': () => {
      actions.shift()
      return { undone: true }
    },
  })
  const { user } = await visit('/communities/moths/moderation')
  const [own] = await screen.findAllByRole('listitem')
  expect(own).toHaveTextContent('You hid a post')
  await user.click(screen.getByRole('button', { name: 'Undo: Hide post' }))
  const dialog = within(screen.getByRole('dialog', { name: 'Undo this action?' }))
  expect(dialog.getByText(/The post comes back into the feed/)).toBeInTheDocument()
  expect(calls.some(({ method }) => method === 'DELETE')).toBe(false)
  await user.click(dialog.getByRole('button', { name: 'Undo' }))
  await waitFor(() => expect(screen.getAllByRole('listitem')[0]).toHaveTextContent('@olga.example.com hid a post'))
  expect(screen.getByText('The action is undone.')).toBeInTheDocument()
})

test('moderators act on whatever they have a link or a handle of', async () => {
  const calls = network({ ...pages('moderator', []), 'POST /api/moderation/actions': () => Response.json({}, { status: 201 }) })
  const { user } = await visit('/communities/moths/moderation')
  await user.click(await screen.findByRole('button', { name: 'Moderate something else' }))
  const dialog = within(await screen.findByRole('dialog'))
  await user.click(dialog.getByRole('button', { name: 'Hide post' }))
  expect(dialog.getByRole('textbox', { name: 'Link to the post' })).toHaveFocus()
  expect(dialog.getByText('Paste the post’s link first.')).toBeInTheDocument()
  await user.selectOptions(dialog.getByRole('combobox'), 'Block somebody')
  await user.type(dialog.getByRole('textbox', { name: 'Handle' }), ' @kai.example.com ')
  await user.click(dialog.getByRole('button', { name: 'Block author' }))
  await waitFor(() => expect(screen.queryByRole('dialog')).not.toBeInTheDocument())
  expect(calls.find(({ method }) => method === 'POST')?.body).toEqual({
    community: 'moths',
    action: 'block_user',
    target: 'kai.example.com',
  })
})

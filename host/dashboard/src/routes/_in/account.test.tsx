import { screen, waitFor, within } from '@testing-library/react'
import { expect, it } from 'vitest'
import type { Session } from '@/api/session'
import { network, problem, startAs, visit } from '@/test/render'

const session = (id: string, more: Partial<Session> = {}): Session => ({
  id,
  method: 'oauth',
  createdAt: '2026-11-01T12:00:00Z',
  lastUsedAt: '2026-11-02T12:00:00Z',
  client: 'Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0',
  current: false,
  ...more,
})
const curl = session('s2', { method: 'password', client: 'curl/8.5.0' })
const find = (name: RegExp) => {
  const found = screen.getAllByRole('listitem').find((item) => name.test(item.textContent ?? ''))
  if (!found) throw new Error(`no row ${name}`)
  return found
}

it('shows which session is this one, and ends another', async () => {
  let sessions = [session('s', { current: true }), curl]
  const calls = network({
    'GET /api/auth/start': startAs(),
    'GET /api/auth/sessions': () => ({ sessions }),
    'DELETE /api/auth/sessions/s2': () => {
      sessions = sessions.slice(0, 1)
      return { ended: 1 }
    },
  })
  const { user } = await visit('/account')
  await screen.findByText('Firefox on Linux')
  expect(find(/Firefox on Linux/)).toHaveTextContent('This session')
  expect(find(/curl/)).not.toHaveTextContent('This session')
  expect(find(/curl/)).toHaveTextContent('Signed in with an app password')
  await user.click(screen.getByRole('button', { name: 'End the session curl' }))
  await waitFor(() => expect(screen.queryByText('curl')).toBeNull())
  expect(calls.some(({ method, path }) => method === 'POST' || path === '/api/auth/sessions/s')).toBe(false)
  expect(screen.getByRole('heading', { name: 'Sessions' })).toBeInTheDocument()
})

it('signs out when its own session is ended', async () => {
  let start: object = startAs()
  const calls = network({
    'GET /api/auth/start': () => start,
    'GET /api/auth/sessions': { sessions: [session('s', { current: true }), curl] },
    'POST /api/auth/logout': () => {
      start = { renewable: false, host: { version: '1', appPasswords: true } }
      return { ended: 1 }
    },
  })
  const { user, router, queries } = await visit('/account')
  await user.click(await screen.findByRole('button', { name: 'Sign out' }))
  await waitFor(() => expect(router.state.location.pathname).toBe('/sign-in'))
  expect(calls.some(({ method }) => method === 'DELETE')).toBe(false)
  // Neither the page's frame nor what was read keeps who it was.
  await waitFor(() => expect(screen.queryByText('@me.example.com')).toBeNull())
  await waitFor(() => expect(queries.getQueryData(['sessions'])).toBeUndefined())
  expect(calls.filter(({ path }) => path === '/api/auth/sessions')).toHaveLength(1)
})

it('asks before it signs out everywhere, and says what went wrong in the dialog', async () => {
  const calls = network({
    'GET /api/auth/start': startAs(),
    'GET /api/auth/sessions': { sessions: [curl] },
    'DELETE /api/auth/sessions': () => problem(503, 'ServiceUnavailable', 'sessions can’t be read at the moment: try again'),
  })
  const { user, router } = await visit('/account')
  await user.click(await screen.findByRole('button', { name: 'Sign out everywhere' }))
  expect(calls.some(({ method }) => method === 'DELETE')).toBe(false)
  const dialog = within(await screen.findByRole('dialog'))
  await user.click(dialog.getByRole('button', { name: 'Sign out everywhere' }))
  expect(await dialog.findByRole('alert')).toHaveTextContent('Sessions can’t be read at the moment')
  expect(router.state.location.pathname).toBe('/account')
})

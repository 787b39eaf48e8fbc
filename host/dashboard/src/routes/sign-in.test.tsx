import { screen, waitFor } from '@testing-library/react'
import { expect, it, vi } from 'vitest'
import { network, problem, startAs, visit } from '@/test/render'

const HANDLE = 'Your handle'
const out = (appPasswords = true) => ({ renewable: false, host: { version: '1', appPasswords, visits: false } })
const press = () => screen.getByRole('button', { name: 'Sign in' })

it('takes somebody to their own server, and says where to return', async () => {
  network({ 'GET /api/auth/start': out() })
  const { user } = await visit('/sign-in?return=%2Fcommunities%2Fmoths')
  const assign = vi.fn()
  await user.type(await screen.findByLabelText(HANDLE), ' @alice.example.com ')
  vi.stubGlobal('location', { assign })
  await user.click(press())
  expect(assign).toHaveBeenCalledExactlyOnceWith('/oauth/login?handle=alice.example.com&return=%2Fcommunities%2Fmoths')
})

it('goes nowhere with what can be no handle, and says so at the field', async () => {
  const calls = network({ 'GET /api/auth/start': out() })
  const { user } = await visit('/sign-in')
  const handle = await screen.findByLabelText(HANDLE)
  await user.type(handle, 'alice{Enter}')
  expect(screen.getByRole('alert')).toHaveTextContent('A handle has a dot in it')
  expect(handle).toHaveFocus()
  expect(calls.map(({ path }) => path)).toEqual(['/api/auth/start'])
})

it('lets whoever comes look around in a demo, where nobody could sign in', async () => {
  network({ 'GET /api/auth/start': { renewable: false, host: { version: '1', appPasswords: true, visits: true } } })
  await visit('/sign-in?return=%2Faccount')
  expect(await screen.findByRole('link', { name: 'Look around' })).toHaveAttribute('href', '/api/auth/visit')
  expect(screen.queryByLabelText(HANDLE)).toBeNull()
})

it('sends who is signed in on to where they were going', async () => {
  network({ 'GET /api/auth/start': startAs(), 'GET /api/auth/sessions': { sessions: [] } })
  const { router } = await visit('/sign-in?return=%2Faccount')
  await waitFor(() => expect(router.state.location.pathname).toBe('/account'))
})

it('signs in with an app password and the code that the server wants', async () => {
  let start: object = out()
  const calls = network({
    'GET /api/auth/start': () => start,
    'GET /api/auth/sessions': { sessions: [] },
    'POST /api/auth/login': ({ body }: { body: unknown }) => {
      if (!(body as { authFactorToken?: string }).authFactorToken)
        return problem(401, 'AuthFactorTokenRequired', 'the server wants the code')
      start = startAs()
      return {
        did: 'did:plc:me',
        session: 's',
        csrfToken: 'c',
        accessExpiresAt: '2099-01-01T00:00:00Z',
        refreshExpiresAt: '2099-01-01T00:00:00Z',
      }
    },
  })
  const { user, router } = await visit('/sign-in?return=%2Faccount')
  await user.type(await screen.findByLabelText(HANDLE), 'alice.example.com')
  expect(screen.queryByLabelText('App password')).toBeNull()
  await user.click(screen.getByRole('button', { name: 'Sign in with an app password instead' }))
  await user.type(screen.getByLabelText('App password'), 'aaaa-bbbb-cccc-dddd{Enter}')
  const code = await screen.findByLabelText('Code from the e-mail')
  expect(code).toHaveFocus()
  expect(screen.queryByRole('alert')).toBeNull()
  await user.type(code, 'ABC-DEF{Enter}')
  await waitFor(() => expect(router.state.location.pathname).toBe('/account'))
  const sent = calls.filter(({ method }) => method === 'POST').map(({ body }) => body)
  expect(sent.at(-1)).toEqual({ identifier: 'alice.example.com', password: 'aaaa-bbbb-cccc-dddd', authFactorToken: 'ABC-DEF' })
  expect(await screen.findByRole('heading', { name: 'Sessions' })).toBeInTheDocument()
})

it('says in the reader’s language that a password is not taken, and warns of the account’s own', async () => {
  network({
    'GET /api/auth/start': out(),
    'POST /api/auth/login': () => problem(401, 'AuthenticationRequired', 'the server does not take this password'),
  })
  const { user } = await visit('/sign-in', 'ja')
  await user.type(await screen.findByLabelText('ハンドル'), 'alice.example.com')
  await user.click(screen.getByRole('button', { name: 'アプリパスワードでサインインする' }))
  await user.type(screen.getByLabelText('アプリパスワード'), 'aaaa-')
  expect(screen.queryByRole('alert')).toBeNull()
  await user.type(screen.getByLabelText('アプリパスワード'), 'my password')
  expect(screen.getByRole('alert')).toHaveTextContent('アカウント本来のパスワードの場合は、送信しないでください')
  await user.click(screen.getByRole('button', { name: 'サインイン' }))
  expect(await screen.findByText('このハンドルとアプリパスワードの組み合わせではサインインできません。')).toBeInTheDocument()
})

it('offers no app password where the host takes none', async () => {
  network({ 'GET /api/auth/start': out(false) })
  await visit('/sign-in')
  await screen.findByLabelText(HANDLE)
  expect(screen.queryByRole('button', { name: /app password/ })).toBeNull()
})

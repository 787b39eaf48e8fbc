import { cleanup, configure, screen, waitFor, within } from '@testing-library/react'
import { afterEach, expect, test, vi } from 'vitest'
import { MIX, mix, mixed, preview, seen, version } from '@/test/mixes'
import { network, problem, startAs, visit } from '@/test/render'

// The whole page is large for a browser that is made up.
vi.setConfig({ testTimeout: 30_000 })
configure({ asyncUtilTimeout: 10_000 })

afterEach(() => {
  cleanup()
  vi.unstubAllGlobals()
})

const versions = [version(2), version(1)]

const posts = (page: HTMLElement) => within(page).getAllByRole('listitem')

test('both pages stand side by side, and each post says where it comes from and how it moves', async () => {
  const now = { version: 1, posts: [seen('ann'), seen('ben'), seen('cleo')] }
  const tried = [seen('ben', { pinned: true, note: 'greeting' }), seen('ann'), seen('dora', { source: 'global' })]
  network({
    ...mixed(versions, { active: 1 }),
    [`POST ${MIX}/versions/2/preview`]: preview({ posts: tried, now, said: '<b>two</b> authors' }),
  })
  await visit('/communities/moths/mix?preview=2')
  const then = await screen.findByRole('region', { name: 'With version 2' })
  const [ben, ann, dora] = posts(then)
  expect(ben).toHaveTextContent(/^1@ben\.example\.com.*Pinned.*up one place.*greeting/)
  expect(ann).toHaveTextContent(/down one place/)
  expect(dora).toHaveTextContent(/All communities.*new on the page/)
  const before = posts(screen.getByRole('region', { name: 'Now' }))
  expect(before[2]).toHaveTextContent(/leaves the page/)
  expect(before[0]).not.toHaveTextContent(/leaves the page/)
  expect(screen.getByText('One post goes up, one goes down, one is new, and one leaves the page.')).toBeVisible()
  expect(screen.getByText('<b>two</b> authors')).toBeVisible()
})

test('a post’s text comes from the AppView, and its address stands there where nobody can tell', async () => {
  const { uri } = seen('ann')
  const appview = 'https://appview.example.org'
  network({
    ...mixed(versions),
    'GET /api/auth/start': startAs({}, { appview }),
    [`POST ${MIX}/versions/2/preview`]: preview({ posts: [seen('ann'), seen('ben')] }),
    [`GET ${appview}/xrpc/app.bsky.feed.getPosts`]: { posts: [{ uri, author: {}, record: { text: 'A burnet on the thistle' } }] },
  })
  await visit('/communities/moths/mix?preview=2')
  expect(await screen.findByText('A burnet on the thistle')).toBeVisible()
  expect(screen.getByText(seen('ben').uri)).toBeVisible()
})

test('a version that fails is told so, and what it didn’t come to is not called gone', async () => {
  const failure = 'version 2 took too long: a call may last 250 ms'
  network({
    ...mixed(versions),
    [`POST ${MIX}/versions/2/preview`]: preview({ failure, now: { version: null, posts: [seen('ann')] } }),
  })
  await visit('/communities/moths/mix?preview=2')
  expect(await screen.findByRole('alert')).toHaveTextContent('Version 2 took too long: a call may last 250 ms.')
  expect(screen.getByText('A reader would have got the default mix’s page.')).toBeVisible()
  expect(screen.queryByText('leaves the page')).not.toBeInTheDocument()
})

test('nothing is activated by looking; from there it takes one press', async () => {
  const answers = mixed(versions)
  const calls = network({
    ...answers,
    [`GET ${MIX}`]: () => answers[`GET ${MIX}`],
    [`POST ${MIX}/versions/2/preview`]: preview(),
    [`POST ${MIX}/versions/2/activate`]: () => {
      answers[`GET ${MIX}`] = mix(versions, { active: 2, before: { version: null } })
      return answers[`GET ${MIX}`]
    },
  })
  const { user, router } = await visit('/communities/moths/mix?preview=2')
  await screen.findByText('This version shows no posts.')
  expect(calls.filter(({ path }) => path.endsWith('/activate'))).toEqual([])
  await user.click(screen.getByRole('button', { name: 'Activate version 2' }))
  await waitFor(() => expect(router.state.location.search).toEqual({}))
  expect(await screen.findByText('Version 2 makes the feed.')).toBeVisible()
  expect(screen.getByRole('heading', { name: 'What makes the feed now' })).toHaveFocus()
})

test('a preview that can’t be made says why, and is made when it is tried again', async () => {
  let ready = false
  network({
    ...mixed(versions),
    [`POST ${MIX}/versions/2/preview`]: () =>
      ready ? preview() : problem(409, 'VersionNotReady', 'version 2 is still being looked at: try again in a moment'),
  })
  const { user } = await visit('/communities/moths/mix?preview=2')
  expect(await screen.findByText(/Version 2 is still being looked at/)).toBeVisible()
  ready = true
  await user.click(screen.getByRole('button', { name: 'Try again' }))
  expect(await screen.findByText('This version shows no posts.')).toBeVisible()
})

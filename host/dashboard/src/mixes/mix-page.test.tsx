import { act, cleanup, configure, fireEvent, screen, waitFor, within } from '@testing-library/react'
import axe from 'axe-core'
import { afterEach, expect, test, vi } from 'vitest'
import type { MixLogLine } from '@/api/mixes'
import { community } from '@/test/community'
import { MIX, mix, mixed, version } from '@/test/mixes'
import { network, problem, visit } from '@/test/render'

// The whole page is large for a browser that is made up.
vi.setConfig({ testTimeout: 30_000 })
configure({ asyncUtilTimeout: 10_000 })

afterEach(() => {
  cleanup()
  vi.unstubAllGlobals()
})

const line = (kind: MixLogLine['kind'], text: string, more: Partial<MixLogLine> = {}): MixLogLine => {
  const now = new Date().toISOString()
  return { kind, version: 1, text, firstAt: now, lastAt: now, times: 1, ...more }
}

const changes = (calls: { method: string; path: string }[]) =>
  calls.filter(({ method }) => method !== 'GET').map(({ method, path }) => `${method} ${path.replace(MIX, '')}`)

test('an owner without a mix is told what makes the feed, and how a mix is made', async () => {
  network(mixed([]))
  const { user } = await visit('/communities/moths/mix')
  expect(await screen.findByText('The default mix makes the feed.')).toBeVisible()
  expect(await screen.findByText('No versions yet')).toBeVisible()
  expect(await screen.findByText('Nothing has happened in the last seven days')).toBeVisible()
  expect(screen.queryByRole('button', { name: /Back to the default mix|Roll back/ })).not.toBeInTheDocument()
  expect(screen.getByText(/atrarium mix new --lang js/)).toBeVisible()
  await user.click(screen.getByRole('radio', { name: 'Python' }))
  expect(screen.getByText(/atrarium mix new --lang python/)).toBeVisible()
  expect(screen.getByText(`atrarium mix run mix.wasm --against ${location.origin}${MIX}/candidates`)).toBeVisible()
})

test('who isn’t the owner reads whose page it is, and nothing is asked that they may not know', async () => {
  const calls = network({ ...mixed([]), 'GET /api/communities/moths': community({ owner: 'did:plc:ann', role: 'member' }) })
  await visit('/communities/moths/mix')
  expect(await screen.findByText('This page is for the owner')).toBeVisible()
  expect(calls.filter(({ path }) => path.startsWith(MIX))).toEqual([])
})

test('going back to the default mix takes one press, and so does undoing it', async () => {
  const versions = [version(3), version(2)]
  const calls = network({
    ...mixed(versions, { active: 3, before: { version: 2 } }),
    [`POST ${MIX}/deactivate`]: mix(versions, { before: { version: 3 } }),
    [`POST ${MIX}/versions/3/activate`]: mix(versions, { active: 3 }),
  })
  const { user } = await visit('/communities/moths/mix')
  await user.click(await screen.findByRole('button', { name: 'Back to the default mix' }))
  fireEvent.click(await screen.findByRole('button', { name: 'Undo' }))
  await waitFor(() => expect(changes(calls)).toEqual(['POST /deactivate', 'POST /versions/3/activate']))
})

test('rolling back leads to what was before', async () => {
  const versions = [version(3), version(2)]
  const answers = mixed(versions, { active: 3, before: { version: 2 } })
  const calls = network({
    ...answers,
    [`POST ${MIX}/rollback`]: () => {
      answers[`GET ${MIX}`] = mix(versions, { active: 2, before: { version: 3 } })
      return answers[`GET ${MIX}`]
    },
    [`GET ${MIX}`]: () => answers[`GET ${MIX}`],
  })
  const { user } = await visit('/communities/moths/mix')
  await user.click(await screen.findByRole('button', { name: 'Roll back to version 2' }))
  expect(await screen.findByRole('button', { name: 'Roll back to version 3' })).toBeVisible()
  expect(screen.getByText('Version 2 makes the feed.')).toBeVisible()
  expect(screen.getByRole('button', { name: 'Active: Version 2' })).toHaveAttribute('aria-disabled', 'true')
  expect(changes(calls)).toEqual(['POST /rollback'])
})

test('a version that was switched off says why', async () => {
  const switchedOff = 'version 3 failed again and again, so the default mix makes the feed; the last time it took too long'
  network(mixed([version(3)], { switchedOff, before: { version: 3 } }))
  await visit('/communities/moths/mix')
  expect(await screen.findByText(/^Version 3 failed again and again/)).toBeVisible()
})

test('a version that is paused can be asked again at once', async () => {
  const paused = { active: 3, madeBy: 'paused', pausedUntil: new Date(Date.now() + 120_500).toISOString() } as const
  const calls = network({ ...mixed([version(3)], paused), [`POST ${MIX}/versions/3/activate`]: mix([version(3)], { active: 3 }) })
  const { user } = await visit('/communities/moths/mix')
  expect(await screen.findByText(/has failed, so the default mix makes the feed for a while/)).toBeVisible()
  expect(screen.getByText('in 2 minutes')).toBeVisible()
  await user.click(screen.getByRole('button', { name: 'Ask it again now' }))
  expect(changes(calls)).toEqual(['POST /versions/3/activate'])
})

test('where an owner may not upload, the reason stands there, and nothing that would be refused is offered', async () => {
  const mayNotBecause = 'this host takes mixes of certain owners only: ask its operator'
  network(mixed([version(3), version(2)], { active: 3, madeBy: 'barred', mayUpload: false, mayNotBecause, before: { version: 2 } }))
  await visit('/communities/moths/mix')
  expect(await screen.findByText(/^This host takes mixes of certain owners only/)).toBeVisible()
  expect(await screen.findByRole('link', { name: 'Preview: Version 2' })).toBeVisible()
  expect(screen.queryByText('Choose a file')).not.toBeInTheDocument()
  expect(screen.queryByRole('button', { name: /^Activate|Roll back/ })).not.toBeInTheDocument()
  expect(screen.getByRole('button', { name: 'Back to the default mix' })).toBeVisible()
})

test('a version is removed only when that was confirmed, and one that is active can’t be', async () => {
  const versions = [version(3), version(2)]
  const calls = network({ ...mixed(versions, { active: 3 }), [`DELETE ${MIX}/versions/2`]: mix([version(3)], { active: 3 }) })
  const { user } = await visit('/communities/moths/mix')
  await user.click(await screen.findByRole('button', { name: 'Remove: Version 2' }))
  expect(screen.queryByRole('button', { name: 'Remove: Version 3' })).not.toBeInTheDocument()
  await user.click(within(await screen.findByRole('dialog')).getByRole('button', { name: 'Cancel' }))
  expect(changes(calls)).toEqual([])
  await user.click(screen.getByRole('button', { name: 'Remove: Version 2' }))
  await user.click(within(await screen.findByRole('dialog')).getByRole('button', { name: 'Remove' }))
  expect(await screen.findByText('Version 2 is removed.')).toBeVisible()
  expect(changes(calls)).toEqual(['DELETE /versions/2'])
})

test('what a version took is told as a share of what it may take, and a refused one says why', async () => {
  const refusal = 'This is a core module and not a component.'
  network(mixed([version(2, { state: 'refused', refusal, profile: null }), version(1)]))
  await visit('/communities/moths/mix')
  expect(await screen.findByText('2.5 million of 50 million')).toBeVisible()
  expect(screen.getByText(refusal)).toBeVisible()
  expect(screen.queryByRole('link', { name: 'Preview: Version 2' })).not.toBeInTheDocument()
  expect(screen.getByRole('link', { name: 'Preview: Version 1' })).toHaveAttribute('href', '/communities/moths/mix?preview=1')
})

test('the log is shown as it is, and filtered', async () => {
  const lines = [
    line('said', '<b>hello</b>'),
    line('failed', 'took too long: a call may last 250 ms', { times: 12 }),
    line('activated', 'by did:plc:me'),
  ]
  network(mixed([version(1)], { active: 1 }, lines))
  const { user } = await visit('/communities/moths/mix')
  expect(await screen.findByText('<b>hello</b>')).toBeVisible()
  expect(screen.getByText('by you')).toBeVisible()
  const table = screen.getByRole('table', { name: 'Failures per day' })
  expect(within(table).getAllByRole('row').at(-1)).toHaveTextContent('12')
  await user.click(screen.getByRole('radio', { name: 'Failures' }))
  expect(screen.queryByText('<b>hello</b>')).not.toBeInTheDocument()
  expect(screen.getByText(/took too long/)).toBeVisible()
  await user.click(screen.getByRole('radio', { name: 'What it said' }))
  expect(screen.getByText('<b>hello</b>')).toBeVisible()
  expect(screen.queryByText(/took too long/)).not.toBeInTheDocument()
})

test('a part that can’t be read leaves the others, and is read again when that is wanted', async () => {
  const answers = mixed([version(1)])
  let broken = true
  network({
    ...answers,
    [`GET ${MIX}/log`]: () => (broken ? problem(503, 'Unavailable', 'try again in a moment') : { lines: [line('said', 'good morning')] }),
  })
  const { user } = await visit('/communities/moths/mix')
  expect(await screen.findByText('Try again in a moment')).toBeVisible()
  expect(screen.getByRole('link', { name: 'Preview: Version 1' })).toBeVisible()
  broken = false
  await user.click(screen.getByRole('button', { name: 'Try again' }))
  expect(await screen.findByText('good morning')).toBeVisible()
})

test('the page is in Japanese, and sound for those who listen', async () => {
  network(mixed([version(3), version(2)], { active: 3, before: { version: 2 } }, [line('failed', 'took too long')]))
  const { container } = await visit('/communities/moths/mix', 'ja')
  expect(await screen.findByText('バージョン3がフィードを作っています。')).toBeVisible()
  await screen.findByRole('link', { name: 'プレビュー: バージョン2' })
  await screen.findByText('took too long')
  vi.spyOn(HTMLCanvasElement.prototype, 'getContext').mockReturnValue(null)
  const { violations } = await act(() => axe.run(container, { rules: { 'color-contrast': { enabled: false } } }))
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([])
})

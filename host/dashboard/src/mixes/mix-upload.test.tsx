import { act, cleanup, configure, fireEvent, screen, waitFor } from '@testing-library/react'
import { afterEach, expect, test, vi } from 'vitest'
import { MIX, mix, mixed, type Sending, uploads, version, wasm } from '@/test/mixes'
import { network, visit } from '@/test/render'

// The whole page is large for a browser that is made up.
vi.setConfig({ testTimeout: 30_000 })
configure({ asyncUtilTimeout: 10_000 })

afterEach(() => {
  cleanup()
  vi.unstubAllGlobals()
})

const input = () => screen.findByLabelText<HTMLInputElement>('Choose a file')

/** The first upload, once it is on its way. */
async function sent(all: Sending[]): Promise<Sending> {
  await waitFor(() => expect(all).toHaveLength(1))
  const [first] = all
  if (!first) throw new Error('nothing was sent')
  return first
}

test('what is no WebAssembly, too large or not alone isn’t sent', async () => {
  network(mixed([]))
  const all = uploads()
  const { user } = await visit('/communities/moths/mix')
  await user.upload(await input(), new File(['<html>'], 'page.wasm'))
  expect(await screen.findByText(/page.wasm is not a WebAssembly file/)).toBeVisible()
  await user.upload(await input(), wasm(2 * 1_024 * 1_024, 'large.wasm'))
  expect(await screen.findByText('large.wasm has 2 MiB, and a mix may have 1 MiB here.')).toBeVisible()
  fireEvent.drop(screen.getByText(/large.wasm has/), { dataTransfer: { files: [wasm(), wasm()], types: ['Files'] } })
  expect(await screen.findByText('Please upload one file at a time.')).toBeVisible()
  expect(all).toEqual([])
})

test('a file that is dropped goes out under the name that was given, and shows how far it is', async () => {
  const answers = mixed([])
  network(answers)
  const all = uploads()
  const { user } = await visit('/communities/moths/mix')
  await user.type(await screen.findByLabelText('Name'), 'quiet voices')
  fireEvent.drop(screen.getByText('Drop your mix here'), { dataTransfer: { files: [wasm(2_048)], types: ['Files'] } })
  const sending = await sent(all)
  expect(sending.path).toBe(`${MIX}/versions?name=quiet+voices`)
  expect(sending.headers['x-csrf-token']).toBe('c')
  act(() => sending.progress(512, 2_048))
  expect(screen.getByRole('progressbar')).toHaveAttribute('aria-valuenow', '25')
  expect(screen.getByText('< 1 KiB of 2 KiB')).toBeVisible()
  act(() => sending.progress(2_048, 2_048))
  expect(screen.getByText('It is being checked…')).toBeVisible()

  // It is still being looked at when it is answered, and ready some time later.
  const checking = version(1, { state: 'checking', profile: null })
  Object.assign(answers, mixed([checking]))
  await act(async () => sending.answer(202, checking))
  expect((await screen.findAllByText(/It is compiled and tried/)).length).toBeGreaterThan(0)
  Object.assign(answers, mixed([version(1)]))
  expect(await screen.findByText('Version 1 is ready.', {}, { timeout: 4_000 })).toBeVisible()
  expect(screen.getByLabelText('Name')).toHaveValue('')
})

test('an upload can be cancelled while it goes out, and nothing comes of it', async () => {
  network(mixed([]))
  const all = uploads()
  const { user } = await visit('/communities/moths/mix')
  await user.upload(await input(), wasm())
  const sending = await sent(all)
  await user.click(await screen.findByRole('button', { name: 'Cancel' }))
  expect(sending.aborted).toBe(true)
  expect(await screen.findByText('The upload is cancelled. Nothing is kept.')).toBeVisible()
  expect(screen.queryByRole('alert')).not.toBeInTheDocument()
})

test('a mix that is refused is told why, as a verdict and not as a fault', async () => {
  network(mixed([]))
  const all = uploads()
  const { user } = await visit('/communities/moths/mix')
  await user.upload(await input(), wasm())
  const message = 'version 1 was refused: This is a core module and not a component.'
  const sending = await sent(all)
  await act(async () => sending.answer(422, { error: 'MixRefused', message }))
  expect(await screen.findByText('This file can’t make a feed')).toBeVisible()
  expect(screen.getByText('Version 1 was refused: This is a core module and not a component.')).toBeVisible()
  expect(screen.queryByRole('alert')).not.toBeInTheDocument()
})

test('the same file again is the version that is there, which can be activated from here', async () => {
  const versions = [version(2), version(1)]
  const calls = network({ ...mixed(versions), [`POST ${MIX}/versions/1/activate`]: mix(versions, { active: 1 }) })
  const all = uploads()
  const { user } = await visit('/communities/moths/mix')
  await user.upload(await input(), wasm())
  const sending = await sent(all)
  await act(async () => sending.answer(200, version(1)))
  expect(await screen.findByText('This very file is here already, as version 1.')).toBeVisible()
  await user.click(screen.getByRole('button', { name: 'Activate' }))
  await waitFor(() => expect(calls.some(({ path }) => path === `${MIX}/versions/1/activate`)).toBe(true))
})

test('a problem with an upload says what it is, and the next file may be tried', async () => {
  network(mixed([]))
  const all = uploads()
  const { user } = await visit('/communities/moths/mix')
  await user.upload(await input(), wasm())
  const sending = await sent(all)
  await act(async () => sending.answer(507, { error: 'HostFull', message: 'the host has no room for more mixes: tell its operator' }))
  expect(await screen.findByRole('alert')).toHaveTextContent('The host has no room for more mixes')
  await user.upload(await input(), wasm())
  await waitFor(() => expect(all).toHaveLength(2))
})

test('an upload whose page was left goes on, and tells in a corner what came of it', async () => {
  network(mixed([]))
  const all = uploads()
  const { user, router } = await visit('/communities/moths/mix')
  await user.upload(await input(), wasm())
  const sending = await sent(all)
  await act(() => router.navigate({ to: '/communities/$id/mix', params: { id: 'moths' }, search: { preview: 9 } }))
  await screen.findByRole('heading', { name: 'Version 9 in preview' })
  expect(sending.aborted).toBe(false)
  await act(async () => sending.answer(201, version(1)))
  expect(await screen.findByText('Your upload is ready as version 1.')).toBeVisible()
})

import { screen, waitFor, within } from '@testing-library/react'
import { expect, it } from 'vitest'
import { communityQuery } from '@/api/communities'
import { community } from '@/test/community'
import { type Answers, network, startAs, visit } from '@/test/render'

const PARENT = 'at://did:plc:me/net.atrarium.community.config/insects'
const moths = community({ description: 'By lamplight', parent: PARENT, feedMix: { own: 0.8, parent: 0.15, global: 0.05 } })

async function page(more: Answers = {}, seen = moths) {
  const calls = network({
    'GET /api/auth/start': startAs(),
    'GET /api/communities': { communities: [] },
    'GET /api/communities/moths': seen,
    [`GET /api/communities/${encodeURIComponent(PARENT)}`]: community({ id: 'insects', name: 'Insects', uri: PARENT }),
    ...more,
  })
  const view = await visit('/communities/moths/settings')
  const changes = () => calls.filter(({ method }) => method === 'PUT' || method === 'DELETE').map(({ method, body }) => body ?? method)
  return { ...view, changes }
}
const name = () => screen.getByLabelText<HTMLInputElement>('Name')
const save = () => screen.getByRole('button', { name: 'Save' })

it('sends only what was changed', async () => {
  let seen = moths
  const { user, changes } = await page({
    'GET /api/communities/moths': () => seen,
    'PUT /api/communities/moths': () => {
      seen = { ...moths, name: 'Moths', parent: null }
      return seen
    },
  })
  await screen.findByText('Insects')
  await user.click(save())
  expect(changes()).toEqual([])
  await user.clear(name())
  await user.type(name(), 'Moths')
  await user.click(screen.getByRole('button', { name: 'Remove' }))
  expect(screen.getByText('There are unsaved changes.')).toBeInTheDocument()
  await user.click(save())
  await screen.findByText('Nothing is changed.')
  expect(changes()).toEqual([{ name: 'Moths', parent: '' }])
  expect(name()).toHaveValue('Moths')
})

it('keeps what is being edited when the community changes meanwhile, and follows the rest', async () => {
  const { user, queries, changes } = await page({ 'PUT /api/communities/moths': moths })
  await screen.findByText('Insects')
  await user.type(name(), '!')
  queries.setQueryData(communityQuery('moths').queryKey, { ...moths, name: 'Other moths', description: 'By moonlight' })
  await waitFor(() => expect(screen.getByLabelText('Description')).toHaveValue('By moonlight'))
  expect(name()).toHaveValue('Night moths!')
  await user.click(save())
  await waitFor(() => expect(changes()).toEqual([{ name: 'Night moths!' }]))
})

it('asks before unsaved changes are lost', async () => {
  const { user, router } = await page()
  await screen.findByText('Insects')
  await user.type(name(), '!')
  await user.click(screen.getByRole('link', { name: 'Atrarium' }))
  const dialog = within(await screen.findByRole('dialog'))
  await user.click(dialog.getByRole('button', { name: 'Stay here' }))
  expect(router.state.location.pathname).toBe('/communities/moths/settings')
  expect(name()).toHaveValue('Night moths!')
  await user.click(screen.getByRole('link', { name: 'Atrarium' }))
  await user.click(await screen.findByRole('button', { name: 'Leave' }))
  await waitFor(() => expect(router.state.location.pathname).toBe('/'))
})

it('counts as saved what is done at the owner’s server and can’t be seen yet', async () => {
  const { user } = await page({ 'PUT /api/communities/moths': () => Response.json({ records: [], message: 'done' }, { status: 202 }) })
  await screen.findByText('Insects')
  await user.type(name(), '!')
  await user.click(save())
  await screen.findByText('Nothing is changed.')
  expect(name()).toHaveValue('Night moths!')
  await user.type(name(), '?')
  expect(screen.getByText('There are unsaved changes.')).toBeInTheDocument()
})

it('closes the community only after its name was typed, and forgets it', async () => {
  const { user, changes, router, queries } = await page({ 'DELETE /api/communities/moths': { closed: true } })
  await user.click(await screen.findByRole('button', { name: 'Close the community…' }))
  const dialog = within(await screen.findByRole('dialog'))
  expect(dialog.getByText(/Posts, memberships and moderation actions stay/)).toBeInTheDocument()
  const typed = dialog.getByLabelText('Name of the community')
  await user.type(typed, 'Moths{Enter}')
  await user.click(dialog.getByRole('button', { name: 'Close it for good' }))
  expect(changes()).toEqual([])
  await user.clear(typed)
  await user.type(typed, 'Night moths')
  await user.click(dialog.getByRole('button', { name: 'Close it for good' }))
  await waitFor(() => expect(router.state.location.pathname).toBe('/'))
  expect(changes()).toEqual(['DELETE'])
  await waitFor(() => expect(queries.getQueryData(['community', 'moths'])).toBeUndefined())
})

it('shows others a note and no form', async () => {
  await page({}, { ...moths, owner: 'did:plc:kei', role: 'moderator' })
  expect(await screen.findByText('Only the owner can change these settings')).toBeInTheDocument()
  expect(screen.queryByLabelText('Name')).toBeNull()
  expect(screen.queryByRole('button', { name: /Close the community/ })).toBeNull()
})

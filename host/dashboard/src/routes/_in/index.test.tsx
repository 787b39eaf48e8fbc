import { screen, waitFor, within } from '@testing-library/react'
import { expect, it } from 'vitest'
import { community } from '@/test/community'
import { type Call, network, problem, startAs, visit } from '@/test/render'

const moths = community({ memberCount: 1_204 })
const bread = community({ id: 'bread', name: 'Bread', role: null, stage: 'graduated' })
const all = [moths, bread]

const found = ({ query }: Call) => {
  const [q, stage] = [query.get('q')?.toLowerCase() ?? '', query.get('stage')]
  const mine = query.get('role') === 'mine'
  return { communities: all.filter((one) => (!mine || one.role) && one.name.toLowerCase().includes(q) && (!stage || one.stage === stage)) }
}
const list = (name: string) => within(screen.getByRole('list', { name }))

it('shows one’s own communities with one’s role, and all of them to find', async () => {
  network({ 'GET /api/auth/start': startAs(), 'GET /api/communities': found })
  await visit('/')
  await screen.findByRole('link', { name: 'Bread' })
  const yours = list('Your communities').getAllByRole('listitem')
  expect(yours).toHaveLength(1)
  expect(yours[0]).toHaveTextContent('Owner')
  expect(yours[0]).toHaveTextContent('1,204 members')
  expect(list('Find communities').getByRole('link', { name: 'Bread' })).toHaveAttribute('href', '/communities/bread')
  expect(screen.getByRole('link', { name: 'New community' })).toHaveAttribute('href', '/communities/new')
})

it('searches once the typing pauses, and going back takes the search away as a whole', async () => {
  const calls = network({ 'GET /api/auth/start': startAs(), 'GET /api/communities': found })
  const { user, router } = await visit('/')
  const box = await screen.findByRole('searchbox', { name: 'Name' })
  await screen.findByRole('link', { name: 'Bread' })
  await user.type(box, 'moth')
  await waitFor(() => expect(list('Find communities').queryByRole('link', { name: 'Bread' })).toBeNull())
  await user.type(box, 's')
  await waitFor(() => expect(router.state.location.search).toEqual({ q: 'moths' }))
  expect(calls.map(({ query }) => query.get('q')).filter(Boolean)).toEqual(['moth', 'moths'])
  router.history.back()
  await waitFor(() => expect(box).toHaveValue(''))
  expect(list('Find communities').getByRole('link', { name: 'Bread' })).toBeInTheDocument()
})

it('says that nothing fits, and clears the search', async () => {
  network({ 'GET /api/auth/start': startAs(), 'GET /api/communities': found })
  const { user, router } = await visit('/?q=zebra&stage=graduated')
  await screen.findByText('No community fits')
  expect(screen.getByRole('searchbox')).toHaveValue('zebra')
  await user.click(screen.getByRole('button', { name: 'Clear the search' }))
  expect(await screen.findByRole('link', { name: 'Bread' })).toBeInTheDocument()
  expect(screen.getByRole('searchbox')).toHaveValue('')
  expect(router.state.location.search).toEqual({})
})

it('leads somebody on who comes to an empty host', async () => {
  network({ 'GET /api/auth/start': startAs(), 'GET /api/communities': { communities: [] } })
  await visit('/')
  expect(await screen.findByText('You belong to no community yet')).toBeInTheDocument()
  expect(await screen.findByText('Nobody has created a community here yet')).toBeInTheDocument()
  expect(screen.queryByText('No community fits')).toBeNull()
})

it('shows in each part what went wrong there, and tries again', async () => {
  let broken = true
  network({
    'GET /api/auth/start': startAs(),
    'GET /api/communities': (call: Call) =>
      broken && call.query.get('role') ? problem(503, 'ServiceUnavailable', 'the index can’t be read right now') : found(call),
  })
  const { user } = await visit('/')
  expect(await screen.findByText('The index can’t be read right now')).toBeInTheDocument()
  expect(await screen.findByRole('link', { name: 'Bread' })).toBeInTheDocument()
  broken = false
  await user.click(screen.getByRole('button', { name: 'Try again' }))
  await waitFor(() => expect(list('Your communities').getByRole('link', { name: 'Night moths' })).toBeInTheDocument())
})

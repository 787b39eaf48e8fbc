import { fireEvent, screen, waitFor, within } from '@testing-library/react'
import { expect, it } from 'vitest'
import { community } from '@/test/community'
import { type Answers, network, problem, startAs, visit } from '@/test/render'

const insects = community({ id: 'insects', name: 'Insects', stage: 'community' })
const made = community({ id: 'made', name: 'Moths' })

async function page(more: Answers = {}) {
  const calls = network({
    'GET /api/auth/start': startAs(),
    'GET /api/communities': { communities: [insects] },
    'GET /api/communities/made': made,
    'POST /api/communities': () => Response.json(made, { status: 201 }),
    ...more,
  })
  const view = await visit('/communities/new')
  await screen.findByRole('heading', { name: 'New community' })
  const sent = () => calls.filter(({ method, path }) => method === 'POST' && path === '/api/communities').map(({ body }) => body)
  return { ...view, sent }
}
const slider = (name: string) => screen.getByRole<HTMLInputElement>('slider', { name })
const slide = (name: string, value: number) => fireEvent.change(slider(name), { target: { value } })
const shares = () => ['Own posts', 'Parent', 'All communities'].map((name) => slider(name).valueAsNumber)
const submit = () => screen.getByRole('button', { name: 'Create the community' })

it('creates a community with a parent and a mix, in fractions, and goes there', async () => {
  const { user, sent, router } = await page()
  expect(slider('Parent')).toBeDisabled()
  expect(slider('Parent')).toHaveAccessibleDescription('Choose a parent community to give it a share.')
  await user.type(screen.getByLabelText('Name'), ' Moths ')
  await user.click(screen.getByRole('button', { name: 'Choose a parent' }))
  await user.click(await within(await screen.findByRole('dialog')).findByRole('button', { name: /Insects/ }))
  expect(screen.getByText('Insects')).toBeInTheDocument()
  slide('Own posts', 80)
  slide('Parent', 15)
  expect(shares()).toEqual([76, 15, 9])
  expect(screen.getByRole('img')).toHaveAccessibleName(/Own posts: 15 of the first 20 places.*Parent: 3 of.*All communities: 2 of/)
  await user.click(submit())
  await waitFor(() => expect(sent()).toHaveLength(1))
  expect(sent()[0]).toEqual({ name: 'Moths', stage: 'theme', parent: insects.uri, feedMix: { own: 0.76, parent: 0.15, global: 0.09 } })
  await waitFor(() => expect(router.state.location.pathname).toBe('/communities/made'))
})

it('keeps the proportion of the others while one slider is moved to and fro', async () => {
  await page()
  slide('All communities', 30)
  for (const value of [50, 100, 10, 70]) slide('Own posts', value)
  expect(shares()).toEqual([70, 0, 30])
})

it('a graduated community takes nothing from its parent, and says why', async () => {
  const { user } = await page()
  await user.click(screen.getByRole('button', { name: 'Choose a parent' }))
  await user.click(await within(await screen.findByRole('dialog')).findByRole('button', { name: /Insects/ }))
  slide('Parent', 40)
  await user.click(screen.getByRole('radio', { name: 'Graduated' }))
  expect(shares()).toEqual([100, 0, 0])
  expect(slider('Parent')).toHaveAccessibleDescription('A graduated community takes nothing from a parent.')
  await user.click(screen.getByRole('radio', { name: 'Theme' }))
  expect(shares()).toEqual([60, 40, 0])
})

it('says what will be public before anything is written, and sends nothing without a name or with too long a text', async () => {
  const { user, sent } = await page()
  expect(screen.getByText(/writes two records into the repository of your own account/)).toBeInTheDocument()
  await user.click(submit())
  expect(screen.getByRole('alert')).toHaveTextContent('Give the community a name.')
  await waitFor(() => expect(screen.getByLabelText('Name')).toHaveFocus())
  fireEvent.change(screen.getByLabelText('Name'), { target: { value: '🇯🇵'.repeat(100) } })
  expect(screen.getByText('0 letters left')).toBeInTheDocument()
  fireEvent.change(screen.getByLabelText('Description'), { target: { value: 'a'.repeat(503) } })
  expect(screen.getByRole('alert')).toHaveTextContent('3 letters too many')
  await user.click(submit())
  expect(sent()).toEqual([])
})

it('shows a refusal at the field that it is about, others at the form with what remains', async () => {
  let answer = () => problem(422, 'Unprocessable', 'name may have 100 letters and 1000 bytes in UTF-8, and has 1025 bytes')
  const { user } = await page({ 'POST /api/communities': () => answer() })
  await user.type(screen.getByLabelText('Name'), 'Moths')
  await user.click(submit())
  await waitFor(() => expect(screen.getByLabelText('Name')).toBeInvalid())
  answer = () => Response.json({ error: 'PartlyDone', message: 'it was not created', remains: ['at://did:plc:me/a/b'] }, { status: 502 })
  await user.click(submit())
  expect(await screen.findByText('at://did:plc:me/a/b')).toBeInTheDocument()
  expect(screen.getByLabelText('Name')).toBeValid()
})

it('goes to the list when the community can’t be seen yet', async () => {
  const { user, router } = await page({ 'POST /api/communities': () => Response.json({ records: [], message: 'done' }, { status: 202 }) })
  await user.type(screen.getByLabelText('Name'), 'Moths')
  await user.click(submit())
  await waitFor(() => expect(router.state.location.pathname).toBe('/'))
  expect((await screen.findAllByText(/Done at your own server/)).length).toBeGreaterThan(0)
})

import { act, screen, waitFor, within } from '@testing-library/react'
import { describe, expect, test } from 'vitest'
import type { CommunityLoad, DeadLetter, HostLimits, HostStatus } from '@/api/operator'
import { levels } from '@/operator/operator-level'
import { numbers } from '@/operator/operator-numbers'
import { type Answers, network, problem, startAs, visit } from '@/test/render'

const status = (more: Partial<HostStatus> = {}): HostStatus => ({
  version: '1.2.3',
  ready: true,
  reasons: [],
  lagSeconds: 0.8,
  queueDepth: 12,
  communities: 412,
  reposToRead: 7,
  deadLetters: 0,
  retries: 0,
  sessions: 1_203,
  mixes: { components: 3, bytes: 48 * 1024 * 1024, versions: 5, active: 2, switchedOff: 0, checking: 0 },
  ...more,
})

const limits: HostLimits = {
  communitiesTotal: 10_000,
  communitiesPerOwner: 20,
  postsPerMember: 500,
  heldPerAuthor: 20,
  heldPerHashtag: 1_000,
  heldTotal: 100_000,
  queueLimit: 1_000,
  liveInstances: 500,
  apiRequestsPerHour: 1_000,
  feedRequestsPerHour: 3_000,
  mixUploads: 'listed',
  mixesTotalBytes: 1024 ** 3,
  mixes: { versions: 20, ownerBytes: 1, largestBytes: 1, checking: 2, perHour: 20, fuel: 1, milliseconds: 50, memoryKib: 65_536 },
}

const load = (id: string, more: Partial<CommunityLoad> = {}): CommunityLoad => ({
  id,
  name: id,
  owner: 'did:plc:olga',
  ownerHandle: 'olga.example.com',
  calls: 1,
  objectShare: 0.01,
  pages: 1,
  pageShare: 0.01,
  ...more,
})

const letter = (id: string, subject: string): DeadLetter => ({
  id,
  community: 'at://did:plc:olga/net.atrarium.community.config/moths',
  subject,
  since: '2026-01-01T00:00:00.000Z',
  cause: 'out of fuel',
})

async function open(more: Answers = {}, language: 'en' | 'ja' = 'en') {
  const calls = network({
    'GET /api/auth/start': startAs({ operator: true }),
    'GET /api/operator/status': status(),
    'GET /api/operator/limits': limits,
    'GET /api/operator/load': { communities: [] },
    'GET /api/operator/dead-letters': { deadLetters: [] },
    ...more,
  })
  return { calls, ...(await visit('/operator', language)) }
}

test('is nothing for who is no operator, and asks nothing', async () => {
  const { calls } = await open({ 'GET /api/auth/start': startAs({ operator: false }) })
  expect(await screen.findByText('There is nothing here')).toBeInTheDocument()
  expect(calls.filter(({ path }) => path.startsWith('/api/operator'))).toEqual([])
})

describe('health', () => {
  test('is said in one sentence, with the moment of which it tells', async () => {
    await open()
    expect(await screen.findByText('All is well')).toBeInTheDocument()
    expect(screen.getByText(/^As of \d/).closest('p')).toHaveTextContent('Version 1.2.3')
    expect(await screen.findByText('Reading stops at 1,000.')).toBeInTheDocument()
    expect(screen.getByText('48 MB of 1 GB')).toBeInTheDocument()
    expect(screen.queryByRole('link', { name: 'See them' })).not.toBeInTheDocument()
  })

  test.each([
    [{}, { lag: 'good', queue: 'good', letters: 'good', all: 'good' }],
    [{ lagSeconds: 61 }, { lag: 'look', all: 'look' }],
    [{ lagSeconds: 601 }, { lag: 'bad', all: 'bad' }],
    [{ lagSeconds: null }, { lag: undefined, all: 'good' }],
    [{ queueDepth: 500 }, { queue: 'good', all: 'good' }],
    [{ queueDepth: 501 }, { queue: 'look', all: 'look' }],
    [{ queueDepth: 1_000 }, { queue: 'bad', all: 'bad' }],
    [{ deadLetters: 1 }, { letters: 'look', all: 'look' }],
    [{ ready: false }, { lag: 'good', all: 'bad' }],
  ])('of %j is %j', (given, expected) => {
    expect(levels(status(given), limits)).toMatchObject(expected)
  })

  test('tells in words too what needs a look, and why it is not ready', async () => {
    const reasons: HostStatus['reasons'] = [
      { code: 'disconnected', message: 'a' },
      { code: 'silent', message: 'b', limitSeconds: 60 },
      { code: 'nothing-yet', message: 'c' },
      { code: 'database', message: 'd' },
      { code: 'behind', message: 'e', limitSeconds: 70 },
    ]
    await open({ 'GET /api/operator/status': status({ ready: false, reasons, lagSeconds: 4_000, deadLetters: 2 }) })
    const verdict = (await screen.findByText('Not ready for requests')).closest('[role=status]')
    expect(verdict).toHaveTextContent('There is no connection to a Jetstream server.')
    expect(verdict).toHaveTextContent('Nothing has come from the firehose for more than 60 seconds.')
    expect(verdict).toHaveTextContent('Nothing has come from the firehose yet.')
    expect(verdict).toHaveTextContent('The database fails, so nothing is read from the network.')
    expect(verdict).toHaveTextContent('What comes from the firehose is more than 70 seconds old, and doesn’t get younger.')
    expect(screen.getByText('1 hr 6 min').closest('dd')).toHaveTextContent('Bad')
    expect(screen.getByText('Look at it')).toBeInTheDocument()
  })

  test('stays as it was seen last while it can’t be refreshed, and says so', async () => {
    let up = true
    const { queries } = await open({
      'GET /api/operator/status': () => (up ? status({ sessions: 77 }) : problem(503, 'Unavailable', 'busy')),
    })
    await screen.findByText('77')
    up = false
    await act(() => queries.refetchQueries({ queryKey: ['operator', 'status'] }))
    expect(await screen.findByText(/^Not refreshed since \d/)).toBeInTheDocument()
    expect(screen.getByText('77')).toBeInTheDocument()
    expect(screen.queryByRole('alert')).not.toBeInTheDocument()
  })

  test('speaks Japanese', async () => {
    await open({ 'GET /api/operator/status': status({ ready: false, reasons: [{ code: 'disconnected', message: 'a' }] }) }, 'ja')
    expect(await screen.findByText('Jetstreamサーバーに接続できていません。')).toBeInTheDocument()
  })
})

describe('the load', () => {
  test('shows the dearest first, in percent, and can be sorted by each column', async () => {
    const communities = [
      load('busy', { objectShare: 0.3, pageShare: 0.12 }),
      load('bees', { calls: 40 }),
      load('quiet', { objectShare: 0, pageShare: 0.00001 }),
    ]
    const { user } = await open({ 'GET /api/operator/load': { communities } })
    const table = await screen.findByRole('table')
    const rows = () =>
      within(table)
        .getAllByRole('rowheader')
        .map((cell) => cell.querySelector('a')?.textContent)
    expect(rows()).toEqual(['busy', 'bees', 'quiet', undefined])
    expect(within(table).getByText('42.0%')).toBeInTheDocument()
    expect(within(table).getAllByText('< 0.01%')).not.toHaveLength(0)
    expect(within(table).getByText('All of these').closest('tr')).toHaveTextContent('44.0%')
    const heading = within(table).getByRole('columnheader', { name: 'Calls/s' })
    await user.click(within(heading).getByRole('button'))
    expect(heading).toHaveAttribute('aria-sort', 'descending')
    expect(rows()[0]).toBe('bees')
  })

  test('shows ten, and all when asked', async () => {
    const { user } = await open({
      'GET /api/operator/load': { communities: Array.from({ length: 12 }, (_, number) => load(`c${number}`)) },
    })
    expect(within(await screen.findByRole('table')).getAllByRole('rowheader')).toHaveLength(11)
    await user.click(screen.getByRole('button', { name: 'Show all 12 communities' }))
    expect(screen.getAllByRole('rowheader')).toHaveLength(13)
  })

  test('is quiet where there is none', async () => {
    await open()
    expect(await screen.findByText('All is quiet')).toBeInTheDocument()
  })
})

describe('what was left undelivered', () => {
  const given = () => {
    let letters = [letter('L1', 'config'), letter('L2', 'did:plc:mia')]
    const take = (id: string) => () => {
      letters = letters.filter((letter) => letter.id !== id)
      return { accepted: true }
    }
    return {
      'GET /api/operator/status': () => status({ deadLetters: letters.length }),
      'GET /api/operator/dead-letters': () => ({ deadLetters: letters }),
      'POST /api/operator/dead-letters/L1/retry': take('L1'),
      'DELETE /api/operator/dead-letters/L2': take('L2'),
    }
  }

  test('is tried again, and is gone then; the focus is not lost with it', async () => {
    const { user } = await open(given())
    await user.click(await screen.findByRole('button', { name: 'Try again: The community’s settings' }))
    expect(await screen.findByText(/^It is being tried again/)).toBeInTheDocument()
    await waitFor(() => expect(screen.getAllByRole('button', { name: /^Drop:/ })).toHaveLength(1))
    expect(screen.getByRole('heading', { name: 'Undelivered' })).toHaveFocus()
  })

  test('is dropped only by who was told what that means', async () => {
    const { calls, user } = await open(given())
    const dropped = () => calls.filter(({ method }) => method === 'DELETE').length
    await user.click(await screen.findByRole('button', { name: 'Drop: did:plc:mia' }))
    expect(await screen.findByRole('dialog')).toHaveTextContent('will be missing from this community until')
    await user.click(screen.getByRole('button', { name: 'Cancel' }))
    expect(dropped()).toBe(0)
    await user.click(screen.getByRole('button', { name: 'Drop: did:plc:mia' }))
    await user.click(await screen.findByRole('button', { name: 'Drop it' }))
    await waitFor(() => expect(screen.queryByRole('button', { name: 'Drop: did:plc:mia' })).not.toBeInTheDocument())
    expect(dropped()).toBe(1)
    expect(screen.getByText('It was dropped.')).toBeInTheDocument()
  })

  test('appears when its number has changed', async () => {
    let letters: DeadLetter[] = []
    const { queries } = await open({
      'GET /api/operator/status': () => status({ deadLetters: letters.length }),
      'GET /api/operator/dead-letters': () => ({ deadLetters: letters }),
    })
    expect(await screen.findByText('Nothing was left undelivered')).toBeInTheDocument()
    letters = [letter('L1', 'alarm')]
    await act(() => queries.refetchQueries({ queryKey: ['operator', 'status'] }))
    expect(await screen.findByText('out of fuel')).toBeInTheDocument()
  })
})

describe('letting somebody in again', () => {
  test('sends a DID or an address, and nothing else', async () => {
    const { calls, user } = await open({ 'DELETE /api/operator/limits/2001%3Adb8%3A%3A1': { lifted: '2001:db8::1' } })
    const who = await screen.findByRole('textbox', { name: 'DID or address' })
    await user.type(who, '@mia.example.com{Enter}')
    expect(screen.getByRole('alert')).toHaveTextContent('A handle won’t do.')
    expect(calls.some(({ method }) => method === 'DELETE')).toBe(false)
    await user.clear(who)
    await user.type(who, ' 2001:db8::1{Enter}')
    expect(await screen.findByText('2001:db8::1 is let in again.')).toBeInTheDocument()
    expect(who).toHaveValue('')
  })
})

test('numbers are as people read them', () => {
  const { bytes, duration, share, rate } = numbers('en')
  expect([0, 512, 1_536, 10 * 1024 ** 2, 1024 ** 3].map(bytes)).toEqual(['0 byte', '512 byte', '1.5 kB', '10 MB', '1 GB'])
  expect([0.84, 12, 60, 95, 3_600, 90_061].map(duration)).toEqual(['0.8 sec', '12 sec', '1 min', '1 min 35 sec', '1 hr', '1 day 1 hr'])
  expect([0, 0.000_01, 0.0123, 0.345, 1.5].map(share)).toEqual(['0.00%', '< 0.01%', '1.23%', '34.5%', '150.0%'])
  expect([0, 0.001, 0.123, 4.56, 12.34, 1_234.5].map(rate)).toEqual(['0', '< 0.01', '0.12', '4.6', '12.3', '1,234.5'])
  expect(numbers('ja').duration(95)).toBe('1 分 35 秒')
})

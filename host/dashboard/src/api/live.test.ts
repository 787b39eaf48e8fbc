import { QueryClient } from '@tanstack/react-query'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Connection, follow } from './live'

/** The browser's own, as far as it is used; a test speaks for the program. */
class Source extends EventTarget {
  static all: Source[] = []
  onopen: (() => void) | null = null
  onerror: (() => void) | null = null
  closed = false
  readonly url: string
  constructor(url: string) {
    super()
    this.url = url
    Source.all.push(this)
  }
  close() {
    this.closed = true
  }
  says(kind: string) {
    this.dispatchEvent(new Event(kind))
  }
}

const last = () => Source.all.at(-1) ?? expect.fail('nobody listens')

beforeEach(() => {
  Source.all = []
  vi.useFakeTimers()
  vi.stubGlobal('EventSource', Source)
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

async function following() {
  const queries = new QueryClient()
  const read = vi.spyOn(queries, 'invalidateQueries')
  const told: Connection[] = []
  const end = follow('moths', queries, (connection) => told.push(connection))
  await vi.advanceTimersByTimeAsync(0)
  /** Which parts were read anew since the last question, beside the community itself. */
  const parts = () => {
    const keys = read.mock.calls.map(([filters]) => filters?.queryKey?.[2])
    read.mockClear()
    return keys.filter((key) => key !== undefined)
  }
  return { end, told, parts, read }
}

test('many changes at once are read once, each part that they concern', async () => {
  const { end, parts, told } = await following()
  last().onopen?.()
  // What happened between the page's reading and the connection was told to nobody.
  await vi.advanceTimersByTimeAsync(1_000)
  expect(parts()).toContain('posts')
  for (let n = 0; n < 50; n++) last().says('post')
  last().says('mix')
  await vi.advanceTimersByTimeAsync(1_000)
  expect(parts().sort()).toEqual(['mix', 'posts', 'stats'])
  expect(told).toEqual(['open'])
  end()
})

test('a flood of changes uses up nobody’s thousand questions an hour', async () => {
  const { end, read } = await following()
  last().onopen?.()
  for (let second = 0; second < 3_600; second++) {
    last().says('post')
    await vi.advanceTimersByTimeAsync(1_000)
  }
  // Three questions each time: the community, its posts, its numbers.
  expect(read.mock.calls.length).toBeGreaterThan(300)
  expect(read.mock.calls.length).toBeLessThan(700)
  end()
})

test('a lost connection is told, tried again ever more rarely, and then all is read anew', async () => {
  const { end, told, parts } = await following()
  last().onopen?.()
  for (let times = 0; times < 5; times++) {
    last().onerror?.()
    expect(last().closed).toBe(true)
    await vi.advanceTimersByTimeAsync(40_000)
    expect(Source.all.length).toBe(times + 2)
  }
  expect(told.slice(0, 2)).toEqual(['open', 'lost'])
  last().onopen?.()
  await vi.advanceTimersByTimeAsync(1_000)
  expect(told.at(-1)).toBe('open')
  expect(parts()).toEqual(expect.arrayContaining(['posts', 'members', 'actions', 'stats', 'mix', 'children']))
  end()
})

test('nobody listens, reads or tries again once the page is left', async () => {
  const { end, read } = await following()
  last().onopen?.()
  last().says('post')
  last().onerror?.()
  end()
  await vi.advanceTimersByTimeAsync(600_000)
  dispatchEvent(new Event('online'))
  await vi.advanceTimersByTimeAsync(1_000)
  expect(read).not.toHaveBeenCalled()
  expect(Source.all.length).toBe(1)
})

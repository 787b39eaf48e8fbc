import { expect, test } from 'vitest'
import type { MixLogLine } from '@/api/mixes'
import { failuresByDay } from './mix-days'

const NOW = new Date(2026, 10, 26, 15, 0)

/** An hour of a day of November 2026, where whoever runs the tests is. */
const at = (day: number, hour: number) => new Date(2026, 10, day, hour).toISOString()

const line = (kind: MixLogLine['kind'], firstAt: string, lastAt: string, times: number): MixLogLine => ({
  kind,
  version: 1,
  text: 'took too long',
  firstAt,
  lastAt,
  times,
})

function check(lines: MixLogLine[], times: number[]) {
  const days = failuresByDay(lines, NOW)
  expect(days.map(({ start }) => start.getDate())).toEqual([20, 21, 22, 23, 24, 25, 26])
  expect(days.map((day) => day.times)).toEqual(times)
}

test('failures are counted on the reader’s own days', () => {
  check([], [0, 0, 0, 0, 0, 0, 0])
  check([line('failed', at(26, 0), at(26, 0), 1), line('failed', at(25, 23), at(25, 23), 1)], [0, 0, 0, 0, 0, 1, 1])
  check([line('failed', at(22, 9), at(22, 10), 5), line('busy', at(22, 11), at(22, 11), 2)], [0, 0, 7, 0, 0, 0, 0])
})

test('what a mix says, and what follows from failures, is no failure', () => {
  check(
    [line('said', at(26, 9), at(26, 9), 4), line('paused', at(26, 9), at(26, 9), 1), line('switched-off', at(26, 9), at(26, 9), 1)],
    [0, 0, 0, 0, 0, 0, 0],
  )
})

test('a line over midnight is shared between its days, and none of it is lost', () => {
  check([line('failed', at(24, 22), at(25, 2), 2)], [0, 0, 0, 0, 1, 1, 0])
  check([line('failed', at(24, 21), at(25, 3), 102)], [0, 0, 0, 0, 51, 51, 0])
  const long = failuresByDay([line('failed', at(23, 12), at(26, 12), 73)], NOW).map(({ times }) => times)
  expect(long.slice(0, 3)).toEqual([0, 0, 0])
  expect(long.slice(3).every((times) => times > 0)).toBe(true)
  expect(long.reduce((sum, times) => sum + times, 0)).toBe(73)
})

test('older days are not drawn', () => {
  check([line('failed', at(19, 12), at(19, 12), 9)], [0, 0, 0, 0, 0, 0, 0])
})

/** How often mixes failed on each of the last days, in the zone of whoever looks. */
import type { MixLogLine } from '@/api/mixes'

export type Day = { start: Date; times: number }

/** Calls that gave a reader no answer. What follows from them, such as a pause, is no failure more. */
const FAILURES: readonly MixLogLine['kind'][] = ['failed', 'busy']

/** Today and the days before it, the oldest first. */
export function failuresByDay(lines: MixLogLine[], now: Date, days = 7): Day[] {
  const starts = Array.from({ length: days + 1 }, (_, at) => new Date(now.getFullYear(), now.getMonth(), now.getDate() - days + 1 + at))
  const failures = lines.filter(({ kind }) => FAILURES.includes(kind))
  return starts.slice(0, days).map((start, at) => {
    const [from, until] = [start.getTime(), (starts[at + 1] ?? now).getTime()]
    return { start, times: failures.reduce((sum, line) => sum + (countBefore(line, until) - countBefore(line, from)), 0) }
  })
}

/**
 * How often it had happened before a moment. A line knows its first and its last time and how often it was in all, so those in between are
 * taken to have come evenly.
 */
function countBefore({ firstAt, lastAt, times }: MixLogLine, moment: number): number {
  const [first, last] = [Date.parse(firstAt), Date.parse(lastAt)]
  if (moment <= first) return 0
  if (moment > last) return times
  return 1 + Math.round((Math.max(0, times - 2) * (moment - first)) / (last - first))
}

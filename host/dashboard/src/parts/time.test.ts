import { expect, test } from 'vitest'
import { ago } from './time'

const NOW = Date.parse('2026-11-26T12:00:00Z')

test.each([
  ['2026-11-26T12:00:00Z', 'en', 'now'],
  ['2026-11-26T11:59:01Z', 'en', 'now'],
  ['2026-11-26T11:59:00Z', 'en', '1 minute ago'],
  ['2026-11-26T11:00:01Z', 'en', '59 minutes ago'],
  ['2026-11-26T11:00:00Z', 'en', '1 hour ago'],
  ['2026-11-25T12:00:01Z', 'en', '23 hours ago'],
  ['2026-11-25T12:00:00Z', 'en', 'yesterday'],
  ['2026-11-26T12:05:00Z', 'en', 'in 5 minutes'],
  ['2026-11-26T11:59:00Z', 'ja', '1 分前'],
])('%s is, in %s, "%s"', (then, language, words) => {
  expect(ago(Date.parse(then), NOW, language)).toBe(words)
})

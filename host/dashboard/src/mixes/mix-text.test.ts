import { expect, test } from 'vitest'
import { bytes, large, part, percent } from './mix-text'

test('sizes are told in the units of the program’s own sentences', () => {
  expect(bytes(0, 'en')).toBe('0 KiB')
  expect(bytes(11, 'en')).toBe('< 1 KiB')
  expect(bytes(1_536, 'en')).toBe('1.5 KiB')
  expect(bytes(24 * 1_024 * 1_024, 'en')).toBe('24 MiB')
})

test('a share is in percent, and one that is hardly there is not nothing', () => {
  expect(percent(0, 50, 'en')).toBe('0%')
  expect(percent(1, 50_000, 'en')).toBe('< 0.1%')
  expect(percent(2_350, 50_000, 'en')).toBe('4.7%')
  expect(percent(25, 50, 'en')).toBe('50%')
  expect(percent(1, 0, 'en')).toBe('0%')
})

test('a bar never leaves its place', () => {
  expect(part(51, 50)).toBe(1)
  expect(part(1, 0)).toBe(0)
})

test('large numbers are words', () => {
  expect(large(50_000_000, 'en')).toBe('50 million')
  expect(large(50_000_000, 'ja')).toBe('5000万')
})

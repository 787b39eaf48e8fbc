import { expect, it } from 'vitest'
import { handleOf, isHandle, returnPath } from './handle'

it.each([
  ['  @Alice.example.com ', 'Alice.example.com'],
  ['\u202aalice.bsky.social\u202c', 'alice.bsky.social'],
  ['https://bsky.app/profile/alice.bsky.social/post/3k', 'alice.bsky.social'],
  ['did:plc:abc', 'did:plc:abc'],
])('%j is the handle %j', (typed, handle) => {
  expect(handleOf(typed)).toBe(handle)
  expect(isHandle(handle)).toBe(true)
})

it.each(['', 'alice', 'alice.', '.com', 'alice@example.com', 'alice example.com', 'did:plc', 'https://example.com/'])(
  '%j is no handle',
  (typed) => {
    expect(isHandle(handleOf(typed))).toBe(false)
  },
)

it('nobody is sent anywhere else after signing in', () => {
  for (const path of ['/', '/communities/moths/settings?x=1#y', '/a//b']) expect(returnPath(path)).toBe(path)
  for (const path of [
    undefined,
    '',
    'a',
    '//evil.example',
    '/\\evil.example',
    'https://evil.example',
    '/a\r\nb',
    '/a\\b',
    '/sign-in?return=%2F',
  ]) {
    expect(returnPath(path)).toBe('/')
  }
  expect(returnPath(`/${'a'.repeat(600)}`)).toBe('/')
})

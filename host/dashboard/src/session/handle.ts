/** Signs that nobody sees, which come along when a handle is copied from a page. */
const UNSEEN = /[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g

/** Somebody's handle or DID out of what was typed or pasted: without blanks, the @, or the address of their profile. */
export function handleOf(text: string): string {
  const bare = text.replace(UNSEEN, '').trim()
  return bare.replace(/^https?:\/\/[^/]+\/profile\/([^/?#]+).*$/, '$1').replace(/^@/, '')
}

/** Whether it may be one. Only a server can tell whether it is. */
export function isHandle(handle: string): boolean {
  return /^did:[a-z]+:[^\s]+$/.test(handle) || /^[^\s@/:]+(\.[^\s@/:.]+)+$/.test(handle)
}

/** Where to go after signing in: a path of this page, else the beginning. */
export function returnPath(wanted: string | undefined): string {
  const isOurs = wanted !== undefined && /^\/(?![/\\])/.test(wanted) && !wanted.includes('\\') && !/\p{Cc}/u.test(wanted)
  return isOurs && wanted.length <= 512 && !/^\/sign-in\b/.test(wanted) ? wanted : '/'
}

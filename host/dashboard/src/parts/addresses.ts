/** Where people find in the Bluesky app what is known here by its AT-URI. */

/** Who an AT-URI belongs to, and what it is called there. */
export function partsOf(uri: string): { did: string; rkey: string } {
  const [did = '', , rkey = ''] = uri.replace(/^at:\/\//, '').split('/')
  return { did, rkey }
}

export function profileAddress(did: string): string {
  return `https://bsky.app/profile/${did}`
}

export function postAddress(uri: string): string {
  const { did, rkey } = partsOf(uri)
  return `${profileAddress(did)}/post/${rkey}`
}

export function feedAddress(community: { owner: string; feed: string }): string {
  return `${profileAddress(community.owner)}/feed/${partsOf(community.feed).rkey}`
}

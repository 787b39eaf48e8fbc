import type { Community } from '@/api/communities'

/** A community of the caller's that `startAs` names. */
export function community(more: Partial<Community> = {}): Community {
  const id = more.id ?? 'moths'
  return {
    id,
    uri: `at://did:plc:me/net.atrarium.community.config/${id}`,
    feed: `at://did:plc:me/app.bsky.feed.generator/${id}`,
    owner: 'did:plc:me',
    name: 'Night moths',
    description: null,
    hashtag: '#atrarium_a1b2c3d4',
    stage: 'theme',
    parent: null,
    feedMix: { own: 1, parent: 0, global: 0 },
    moderators: [],
    memberCount: 3,
    postCount: 7,
    createdAt: '2026-11-01T12:00:00.000Z',
    role: 'owner',
    blocked: false,
    sharedHashtag: false,
    ...more,
  }
}

import type { Community } from '@/api/communities'

/** Whether somebody of this role looks after the community. */
export function moderates(role: Community['role']): boolean {
  return role === 'owner' || role === 'moderator'
}

/** Whether the caller may hide posts of somebody, or block them. The program has the same rule, and the last word. */
export function mayModerate(community: Community, caller: string, subject: string): boolean {
  if (!moderates(community.role) || subject === caller || subject === community.owner) return false
  return community.role === 'owner' || !community.moderators.includes(subject)
}

/** What a form says of a community, and what of it is sent. */
import type { Amendment, Community, NewCommunity, Stage } from '@/api/communities'
import { Problem } from '@/api/problem'
import { DESCRIPTION, fits, left, NAME } from './letters'
import { mixOf, type Shares, sameShares, sharesOf, withoutParent } from './mix-shares'

export type Draft = {
  name: string
  description: string
  stage: Stage
  /** The AT-URI of its record; empty without one. */
  parent: string
  /** As it was chosen; what counts of it is [`counting`]. */
  shares: Shares
}

export const BLANK: Draft = { name: '', description: '', stage: 'theme', parent: '', shares: { own: 100, parent: 0, global: 0 } }

export function draftOf({ name, description, stage, parent, feedMix }: Community): Draft {
  return { name, description: description ?? '', stage, parent: parent ?? '', shares: sharesOf(feedMix) }
}

/** Why a parent gives nothing; undefined if it may. */
export function withheld({ parent, stage }: Draft): 'graduated' | 'alone' | undefined {
  if (stage === 'graduated') return 'graduated'
  return parent === '' ? 'alone' : undefined
}

/** The shares that count with this parent and in this stage. The choice stays, and counts again when they change back. */
export function counting(draft: Draft): Shares {
  return withheld(draft) ? withoutParent(draft.shares) : draft.shares
}

export function wishOf(draft: Draft): NewCommunity {
  const { name, description, stage, parent } = draft
  return {
    name: name.trim(),
    description: description.trim() || undefined,
    stage,
    parent: parent || undefined,
    feedMix: mixOf(counting(draft)),
  }
}

/** Only what differs. */
export function changes(before: Draft, after: Draft): Amendment {
  const amendment: Amendment = {}
  const [name, description] = [after.name.trim(), after.description.trim()]
  if (name !== before.name) amendment.name = name
  if (description !== before.description) amendment.description = description
  if (after.stage !== before.stage) amendment.stage = after.stage
  if (after.parent !== before.parent) amendment.parent = after.parent
  if (!sameShares(after.shares, before.shares)) amendment.feedMix = mixOf(counting(after))
  return amendment
}

export type Fault = 'missing' | 'tooMany' | 'tooLarge'
export type Faults = { name?: Fault; description?: Fault }

export function faultsOf({ name, description }: Draft): Faults {
  const faults: Faults = {}
  if (name.trim() === '') faults.name = 'missing'
  else if (!fits(name, NAME)) faults.name = left(name, NAME) < 0 ? 'tooMany' : 'tooLarge'
  if (!fits(description, DESCRIPTION)) faults.description = left(description, DESCRIPTION) < 0 ? 'tooMany' : 'tooLarge'
  return faults
}

/** Which field a refusal is about: the program's sentence begins with its name. */
export function refusedField(cause: unknown): 'name' | 'description' | undefined {
  if (!(cause instanceof Problem) || (cause.status !== 422 && cause.status !== 400)) return undefined
  return (['name', 'description'] as const).find((field) => cause.message.startsWith(`${field} `))
}

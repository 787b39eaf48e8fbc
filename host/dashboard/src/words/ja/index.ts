import { account } from './account'
import { common } from './common'
import { communities } from './communities'
import { members } from './members'
import { mixes } from './mixes'
import { moderation } from './moderation'
import { operator } from './operator'
import { posts } from './posts'

export const japanese = { common, account, communities, members, mixes, moderation, operator, posts }

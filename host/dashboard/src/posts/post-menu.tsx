import { Ellipsis, Eye, EyeOff, UserCheck, UserX } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import type { Post } from '@/api/communities'
import type { ActionKind } from '@/api/moderation'
import { Menu } from '@/ui/menu'

/** An action that somebody wants to take, before they have confirmed it. `who` is what its author, or its target, is called. */
export type Wish = { action: ActionKind; target: string; who: string }
export type Choose = (wish: Wish) => void

export const ICONS = { hide_post: EyeOff, unhide_post: Eye, block_user: UserX, unblock_user: UserCheck }

/** What the moderators can do about a post. */
export function PostMenu({ post, who, onChoose }: { post: Post; who: string; onChoose: Choose }) {
  const { t } = useTranslation(['moderation', 'posts'])
  const because = post.hiddenBecause ?? []
  const kinds: { action: ActionKind; target: string }[] = [
    { action: because.includes('hidden') ? 'unhide_post' : 'hide_post', target: post.uri },
    { action: because.includes('blocked') ? 'unblock_user' : 'block_user', target: post.author },
  ]
  return (
    <Menu
      button={{
        kind: 'ghost',
        size: 'icon',
        className: '-mr-2 shrink-0',
        'aria-label': t('posts:post.menu', { who }),
        children: <Ellipsis aria-hidden />,
      }}
    >
      {({ Item }) =>
        kinds.map(({ action, target }) => {
          const Icon = ICONS[action]
          return (
            <Item
              key={action}
              destructive={action === 'hide_post' || action === 'block_user'}
              onSelect={() => onChoose({ action, target, who })}
            >
              <Icon aria-hidden />
              {t(`kind.${action}`)}
            </Item>
          )
        })
      }
    </Menu>
  )
}

import { Heart, MessageCircle, Repeat2 } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import type { Hydrated } from '@/api/appview'

/** What others did with a post. */
export function PostCounts({ said }: { said: Hydrated }) {
  const { t, i18n } = useTranslation('posts')
  const inShort = new Intl.NumberFormat(i18n.language, { notation: 'compact' })
  const counts = [
    { icon: <MessageCircle aria-hidden className="size-4" />, count: said.replies, words: t('post.replies', { count: said.replies }) },
    { icon: <Repeat2 aria-hidden className="size-4" />, count: said.reposts, words: t('post.reposts', { count: said.reposts }) },
    { icon: <Heart aria-hidden className="size-4" />, count: said.likes, words: t('post.likes', { count: said.likes }) },
  ]
  return (
    <ul className="flex gap-3 text-sm text-muted-foreground tabular-nums">
      {counts.map(({ icon, count, words }) => (
        <li key={words} className="flex items-center gap-1">
          {icon}
          <span aria-hidden>{inShort.format(count)}</span>
          <span className="sr-only">{words}</span>
        </li>
      ))}
    </ul>
  )
}

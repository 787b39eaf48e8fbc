import { CornerUpLeft, EyeOff, Languages, Tag } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import type { Post } from '@/api/communities'
import { Badge } from '@/ui/badge'

/** What is to be known of a post before it is read. */
export function PostBadges({ post }: { post: Post }) {
  const { t, i18n } = useTranslation('posts')
  const because = post.hiddenBecause ?? []
  if (post.shown && !post.reply && post.languages.length + post.labels.length === 0) return null
  return (
    <ul className="flex flex-wrap gap-1.5">
      {because.map((reason) => (
        <li key={reason}>
          <Badge kind="warning">
            <EyeOff aria-hidden />
            {t(`post.because.${reason}`)}
          </Badge>
        </li>
      ))}
      {!post.shown && because.length === 0 && (
        <li>
          <Badge kind="warning">
            <EyeOff aria-hidden />
            {t('post.notShown')}
          </Badge>
        </li>
      )}
      {post.reply && (
        <li>
          <Badge>
            <CornerUpLeft aria-hidden />
            {t('post.reply')}
          </Badge>
        </li>
      )}
      {post.labels.map((label) => (
        <li key={`label ${label}`}>
          <Badge>
            <Tag aria-hidden />
            {t('post.labels', { label })}
          </Badge>
        </li>
      ))}
      {post.languages.map((language) => (
        <li key={`language ${language}`}>
          <Badge>
            <Languages aria-hidden />
            {languageName(language, i18n.language)}
          </Badge>
        </li>
      ))}
    </ul>
  )
}

/** What a language is called. Authors' apps write what they like. */
function languageName(tag: string, reader: string): string {
  try {
    return new Intl.DisplayNames(reader, { type: 'language' }).of(tag) ?? tag
  } catch {
    return tag
  }
}

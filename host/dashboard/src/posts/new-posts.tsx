import { ArrowUp } from 'lucide-react'
import { type RefObject, useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Post } from '@/api/communities'

/** How long somebody who is at the top anyway is told of new posts. */
const LINGER_MS = 4_000

/**
 * Says how many posts have come since the reader was at the top of the list, and leads there. The list itself stays where it is: browsers keep
 * the place of what is read when something is added above.
 */
export function NewPosts({ posts, top }: { posts: Post[]; top: RefObject<HTMLElement | null> }) {
  const { t } = useTranslation('posts')
  const newest = posts[0]?.createdAt ?? ''
  const [seen, setSeen] = useState('')
  const count = seen === '' ? 0 : posts.filter((post) => post.createdAt > seen).length
  useEffect(() => {
    if (seen === '') setSeen(newest)
    if (count === 0) return
    const isAtTop = () => (top.current?.getBoundingClientRect().top ?? 0) > 0
    let timer: ReturnType<typeof setTimeout> | undefined
    const look = () => {
      if (isAtTop()) timer ??= setTimeout(() => setSeen(newest), LINGER_MS)
    }
    look()
    addEventListener('scroll', look, { passive: true })
    return () => {
      clearTimeout(timer)
      removeEventListener('scroll', look)
    }
  }, [newest, seen, count, top])
  const goUp = () => {
    setSeen(newest)
    top.current?.scrollIntoView({ block: 'start' })
    top.current?.focus({ preventScroll: true })
  }
  return (
    <div role="status" className="pointer-events-none fixed inset-x-0 top-20 z-20 flex justify-center">
      {count > 0 && (
        <button
          type="button"
          onClick={goUp}
          className="pointer-events-auto flex items-center gap-1.5 rounded-full bg-primary px-4 py-2 text-sm font-medium text-primary-foreground shadow-lg"
        >
          <ArrowUp aria-hidden className="size-4" />
          {t('list.news', { count })}
        </button>
      )}
    </div>
  )
}

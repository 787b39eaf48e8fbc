import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '@/ui/button'
import { classes } from '@/ui/classes'

const isCut = (element: HTMLElement) => element.scrollHeight > element.clientHeight + 1

/** The button lies over the end of the last line, which fades out under it. */
const FADING =
  'absolute right-0 bottom-0 bg-(--behind) before:absolute before:inset-y-0 before:right-full before:w-10 before:bg-linear-to-r before:from-transparent before:to-(--behind)'

/** A text that is cut after some lines until all of it is wanted. `cut` says after how many. */
export function Clamped({ cut, lang, className, children }: { cut: string; lang?: string; className?: string; children: ReactNode }) {
  const { t } = useTranslation('posts')
  const text = useRef<HTMLParagraphElement>(null)
  const [open, setOpen] = useState(false)
  const [more, setMore] = useState(false)
  // Whatever it says now: before it is painted.
  useLayoutEffect(() => {
    if (text.current && !open) setMore(isCut(text.current))
  })
  useEffect(() => {
    const element = text.current
    if (!element || open) return
    const watcher = new ResizeObserver(() => setMore(isCut(element)))
    watcher.observe(element)
    return () => watcher.disconnect()
  }, [open])
  return (
    <div className={classes('relative min-w-0', className)}>
      <p ref={text} lang={lang} className={classes('whitespace-pre-wrap', !open && cut)}>
        {children}
      </p>
      {(more || open) && (
        <Button
          kind="link"
          size="tight"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
          className={classes('min-h-6 text-sm', !open && FADING)}
        >
          {t(open ? 'post.less' : 'post.more')}
        </Button>
      )}
    </div>
  )
}

import { Link, useLocation } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import type { Community } from '@/api/communities'

const TABS = [
  { name: 'posts', to: '/communities/$id' },
  { name: 'about', to: '/communities/$id/about' },
  { name: 'members', to: '/communities/$id/members' },
  { name: 'moderation', to: '/communities/$id/moderation' },
  { name: 'mix', to: '/communities/$id/mix', owner: true },
  { name: 'settings', to: '/communities/$id/settings', owner: true },
  { name: 'why', to: '/communities/$id/why' },
] as const

/** The ways to a community's pages. Where they are wider than the window they scroll for themselves. */
export function CommunityTabs({ community }: { community: Community }) {
  const { t } = useTranslation('posts')
  const strip = useRef<HTMLElement>(null)
  const { pathname } = useLocation()
  // biome-ignore lint/correctness/useExhaustiveDependencies: the way that one is on changes with the address
  useEffect(() => {
    const current = strip.current?.querySelector('[aria-current=page]')
    if (!strip.current || !(current instanceof HTMLElement)) return
    strip.current.scrollLeft = current.offsetLeft - (strip.current.clientWidth - current.offsetWidth) / 2
  }, [pathname])
  return (
    <nav
      ref={strip}
      aria-label={t('tabs.label')}
      className="relative -mx-4 -mb-px flex min-w-0 overflow-x-auto overflow-y-hidden px-4 [scrollbar-width:none]"
    >
      {TABS.filter((tab) => !('owner' in tab) || community.role === 'owner').map((tab) => (
        <Link
          key={tab.name}
          to={tab.to}
          params={{ id: community.id }}
          activeOptions={{ exact: tab.name === 'posts', includeSearch: false }}
          resetScroll={false}
          className="shrink-0 border-b-2 border-transparent px-3 py-2.5 text-sm font-medium text-muted-foreground -outline-offset-2 hover:text-foreground data-[status=active]:border-primary data-[status=active]:text-primary"
        >
          {t(`tabs.${tab.name}`)}
        </Link>
      ))}
    </nav>
  )
}

import { useQueryClient } from '@tanstack/react-query'
import { Link, useLocation, useNavigate } from '@tanstack/react-router'
import { CircleUser, LogOut, Menu as MenuIcon } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { becomeNobody, type Caller, signOut } from '@/api/session'
import { Button } from '@/ui/button'
import { Menu } from '@/ui/menu'
import { choose, LANGUAGES, type Language } from '@/words'
import { useChange } from './change'
import { short } from './person'

/** What is around every page: the way to the others, and who is signed in. */
export function Shell({ caller, children }: { caller?: Caller | null; children: ReactNode }) {
  const { t } = useTranslation()
  const { pathname, href } = useLocation()
  return (
    <>
      <a
        href="#content"
        className="absolute top-2 left-2 z-50 -translate-y-20 rounded-lg bg-primary px-4 py-2 text-primary-foreground focus:translate-y-0"
      >
        {t('skip')}
      </a>
      <header className="sticky top-0 z-30 border-b bg-background/90 backdrop-blur">
        <div className="mx-auto flex h-16 max-w-5xl items-center gap-2 px-4">
          <Link to="/" className="mr-2 flex items-center gap-2 font-display text-xl font-semibold">
            <img src="/icon.svg" alt="" width={28} height={28} />
            Atrarium
          </Link>
          {caller && (
            <nav aria-label={t('menu')} className="hidden gap-1 sm:flex">
              <HeaderLink to="/">{t('nav.communities')}</HeaderLink>
              {caller.operator && <HeaderLink to="/operator">{t('nav.operator')}</HeaderLink>}
            </nav>
          )}
          <div className="ml-auto flex items-center gap-2">
            {!caller && pathname !== '/sign-in' && (
              <Button asChild size="small">
                <Link to="/sign-in" search={{ return: href }}>
                  {t('nav.signIn')}
                </Link>
              </Button>
            )}
            <MainMenu caller={caller} />
          </div>
        </div>
      </header>
      <main id="content" tabIndex={-1} className="mx-auto max-w-5xl px-4 py-8 outline-none">
        {children}
      </main>
    </>
  )
}

function HeaderLink({ to, children }: { to: '/' | '/operator'; children: ReactNode }) {
  return (
    <Link
      to={to}
      activeOptions={{ exact: to === '/' }}
      className="rounded-lg px-3 py-2 text-sm font-medium hover:bg-muted data-[status=active]:text-primary"
    >
      {children}
    </Link>
  )
}

function MainMenu({ caller }: { caller?: Caller | null }) {
  const { t, i18n } = useTranslation()
  const [theme, setTheme] = useState(storedTheme)
  const queries = useQueryClient()
  const navigate = useNavigate()
  const leave = useChange(signOut, { after: () => void becomeNobody(queries, () => navigate({ to: '/sign-in' })) })
  const dress = (wanted: string) => {
    setTheme(wanted)
    keepTheme(wanted)
  }
  const name = caller && (caller.handle ? `@${caller.handle}` : short(caller.did))
  return (
    <Menu
      button={{
        kind: 'ghost',
        size: caller ? 'small' : 'icon',
        'aria-label': name ? `${t('menu')}: ${name}` : t('menu'),
        children: (
          <>
            {caller ? <CircleUser aria-hidden /> : <MenuIcon aria-hidden />}
            {name && <span className="max-w-40 truncate max-sm:sr-only">{name}</span>}
          </>
        ),
      }}
    >
      {({ Item, Choice, Label, Line }) => (
        <>
          {caller && (
            <>
              <Item asChild>
                <Link to="/">{t('nav.communities')}</Link>
              </Item>
              <Item asChild>
                <Link to="/account">{t('nav.account')}</Link>
              </Item>
              {caller.operator && (
                <Item asChild>
                  <Link to="/operator">{t('nav.operator')}</Link>
                </Item>
              )}
              <Item asChild>
                <a href="/api/docs/">{t('nav.api')}</a>
              </Item>
              <Item onSelect={() => leave.mutate()}>
                <LogOut aria-hidden />
                {t('nav.signOut')}
              </Item>
              <Line />
            </>
          )}
          <Label>{t('language')}</Label>
          <Choice
            value={i18n.language}
            onChange={(wanted) => void choose(wanted as Language)}
            choices={Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }))}
          />
          <Line />
          <Label>{t('theme.title')}</Label>
          <Choice
            value={theme}
            onChange={dress}
            choices={(['system', 'light', 'dark'] as const).map((value) => ({ value, label: t(`theme.${value}`) }))}
          />
        </>
      )}
    </Menu>
  )
}

function storedTheme(): string {
  try {
    return localStorage.getItem('theme') ?? 'system'
  } catch {
    return 'system'
  }
}

/** Keeps the choice; `early.js` listens, and dresses the page. */
function keepTheme(wanted: string) {
  try {
    localStorage.setItem('theme', wanted)
  } catch {
    // It holds until the page is left.
  }
  dispatchEvent(new StorageEvent('storage', { key: 'theme', newValue: wanted }))
}

import { createFileRoute, redirect } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useTitle } from '@/parts/page'
import { returnPath } from '@/session/handle'
import { SignInForm } from '@/session/sign-in-form'
import { Visit } from '@/session/visit'
import { Card } from '@/ui/card'
import { words } from '@/words'

export const Route = createFileRoute('/sign-in')({
  validateSearch: (search): { return?: string } => (typeof search.return === 'string' ? { return: search.return } : {}),
  beforeLoad: ({ context, search }) => {
    if (context.start.caller) throw redirect({ href: returnPath(search.return), replace: true })
  },
  loader: () => words('account'),
  component: Page,
})

function Page() {
  const { t } = useTranslation('account')
  const { start } = Route.useRouteContext()
  const search = Route.useSearch()
  useTitle(t('signIn.title'))
  return (
    <div className="mx-auto grid max-w-4xl items-center gap-8 py-2 md:grid-cols-2 md:gap-14 md:py-14">
      <div className="grid gap-4">
        <h1 className="text-3xl font-semibold sm:text-4xl">{t('signIn.heading')}</h1>
        <p className="max-w-prose text-muted-foreground">{t('signIn.about')}</p>
        <p className="max-w-prose text-muted-foreground">{t('signIn.about2')}</p>
      </div>
      <Card className="self-start md:p-7">
        {start.host.visits ? <Visit /> : <SignInForm returnTo={returnPath(search.return)} appPasswords={start.host.appPasswords} />}
      </Card>
    </div>
  )
}

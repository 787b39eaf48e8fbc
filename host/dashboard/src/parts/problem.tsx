import { TriangleAlert } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { Problem } from '@/api/problem'
import { Button } from '@/ui/button'
import { Card } from '@/ui/card'

/** What is said here of problems with these names. */
const KNOWN: Record<string, 'Unreachable' | 'CommunityNotFound' | 'NotSignedIn'> = {
  Unreachable: 'Unreachable',
  CommunityNotFound: 'CommunityNotFound',
  AuthenticationRequired: 'NotSignedIn',
}

/** A problem in the reader's language if it is a common one, else in the program's own sentence. */
export function useSentence(): (cause: unknown) => string {
  const { t, i18n } = useTranslation()
  return (cause) => {
    if (!(cause instanceof Problem)) return cause instanceof Error ? cause.message : String(cause)
    const known = KNOWN[cause.name]
    if (known === 'Unreachable' || (known && i18n.language !== 'en')) return t(`problem.${known}`)
    if (cause.status === 429 && i18n.language !== 'en') return t('problem.TooMany')
    return cause.message.charAt(0).toUpperCase() + cause.message.slice(1)
  }
}

/** A problem where something should be. */
export function ProblemCard({ cause, retry }: { cause: unknown; retry?: () => void }) {
  const { t } = useTranslation()
  const sentence = useSentence()
  return (
    <Card role="alert" className="grid justify-items-start gap-3">
      <h2 className="flex items-center gap-2 text-lg font-semibold">
        <TriangleAlert aria-hidden className="size-5 text-destructive" />
        {t('problem.title')}
      </h2>
      <ProblemText cause={cause} text={sentence(cause)} />
      {retry && (
        <Button kind="secondary" onClick={retry}>
          {t('retry')}
        </Button>
      )}
    </Card>
  )
}

/** The sentence, and what remains of it. */
export function ProblemText({ cause, text }: { cause: unknown; text: string }) {
  const { t } = useTranslation()
  const remains = cause instanceof Problem ? cause.remains : []
  return (
    <div className="grid gap-2 text-sm">
      <p>{text}</p>
      {cause instanceof Problem && cause.name === 'AuthenticationRequired' && <SignInAgain />}
      {remains.length > 0 && (
        <div>
          <p>{t('problem.remains')}</p>
          <ul className="list-disc pl-5 font-mono text-xs">
            {remains.map((uri) => (
              <li key={uri}>{uri}</li>
            ))}
          </ul>
        </div>
      )}
    </div>
  )
}

/** A session can end while its page is open. The link loads all anew, so that nothing of it stays. */
function SignInAgain() {
  const { t } = useTranslation()
  const here = location.pathname + location.search
  return (
    <a href={`/sign-in?${new URLSearchParams({ return: here })}`} className="font-medium underline underline-offset-4 hover:no-underline">
      {t('nav.signIn')}
    </a>
  )
}

/** The same below what was tried, such as in a form. */
export function ProblemNote({ cause }: { cause: unknown }) {
  const sentence = useSentence()
  if (!cause) return null
  return (
    <div role="alert" className="rounded-lg border border-destructive p-3 text-destructive">
      <ProblemText cause={cause} text={sentence(cause)} />
    </div>
  )
}

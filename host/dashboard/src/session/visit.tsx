import { useTranslation } from 'react-i18next'
import { Button } from '@/ui/button'

/** The way into a demo, whose people are made up: nobody could sign in there. */
export function Visit() {
  const { t } = useTranslation('account')
  return (
    <div className="grid gap-4">
      <h2 className="text-xl font-semibold">{t('visit.title')}</h2>
      <p className="text-muted-foreground">{t('visit.text')}</p>
      <Button asChild className="w-full">
        <a href="/api/auth/visit">{t('visit.go')}</a>
      </Button>
    </div>
  )
}

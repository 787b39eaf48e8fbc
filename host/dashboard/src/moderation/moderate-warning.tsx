import { Globe } from 'lucide-react'
import { useTranslation } from 'react-i18next'

/** What everybody who acts must know before it is written. */
export function PublicWarning() {
  const { t } = useTranslation('moderation')
  return (
    <div className="grid gap-1 rounded-lg bg-warning p-3 text-sm text-warning-foreground">
      <p className="flex items-center gap-2 font-semibold">
        <Globe aria-hidden className="size-4 shrink-0" />
        {t('warning.title')}
      </p>
      <p>{t('warning.text')}</p>
      <p>{t('warning.never')}</p>
    </div>
  )
}

import { useTranslation } from 'react-i18next'
import { classes } from './classes'

/** Stands where something will be, as large as that. */
export function Skeleton({ className }: { className?: string }) {
  return <div aria-hidden className={classes('animate-pulse rounded-lg bg-muted', className)} />
}

/** Rows that are being loaded; for ears, one sentence. */
export function SkeletonRows({ rows = 5, className = 'h-20' }: { rows?: number; className?: string }) {
  const { t } = useTranslation()
  return (
    <div role="status" className="grid gap-3">
      <span className="sr-only">{t('loading')}</span>
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike
        <Skeleton key={row} className={className} />
      ))}
    </div>
  )
}

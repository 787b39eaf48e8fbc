import { Check, Copy as CopyIcon } from 'lucide-react'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '@/ui/button'

/** A text that can be taken along with one press. */
export function Copy({ text, label, children }: { text: string; label: string; children?: React.ReactNode }) {
  const { t } = useTranslation()
  const [copied, setCopied] = useState(false)
  useEffect(() => {
    if (!copied) return
    const timer = setTimeout(() => setCopied(false), 2_000)
    return () => clearTimeout(timer)
  }, [copied])
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      setCopied(true)
    } catch {
      // Without the permission there is still the text itself, to be marked by hand.
    }
  }
  return (
    <Button kind="secondary" size="small" onClick={() => void copy()} aria-label={children ? undefined : label} title={label}>
      {copied ? <Check aria-hidden /> : <CopyIcon aria-hidden />}
      {children}
      {children && <span className="sr-only">{label}</span>}
      <span role="status" className="sr-only">
        {copied ? t('copied') : ''}
      </span>
    </Button>
  )
}

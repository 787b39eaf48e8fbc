import { ChevronRight } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Copy } from '@/parts/copy'
import { MixChoice } from './mix-choice'

const LANGUAGES = { js: 'JavaScript', rust: 'Rust', python: 'Python' } as const
type Language = keyof typeof LANGUAGES

/** What a mix is and how one is made, for who has never heard of it. */
export function MixHelp({ id, open }: { id: string; open: boolean }) {
  const { t } = useTranslation('mixes')
  return (
    <details open={open} className="group rounded-2xl border bg-card">
      <summary className="flex cursor-pointer list-none items-center gap-2 rounded-2xl p-5 [&::-webkit-details-marker]:hidden">
        <ChevronRight aria-hidden className="size-5 shrink-0 transition-transform group-open:rotate-90" />
        <h2 className="text-xl font-semibold">{t('help.title')}</h2>
      </summary>
      <div className="grid gap-x-8 gap-y-6 px-5 pb-6 lg:grid-cols-2">
        <div className="grid max-w-prose content-start gap-3">
          <p>{t('help.what')}</p>
          <p>{t('help.safe')}</p>
        </div>
        <Commands id={id} />
      </div>
    </details>
  )
}

function Commands({ id }: { id: string }) {
  const { t } = useTranslation('mixes')
  const [language, setLanguage] = useState<Language>('js')
  const candidates = `${location.origin}/api/communities/${id}/feed-mix/candidates`
  const steps = [
    ['new', `atrarium mix new --lang ${language} my-mix && cd my-mix`],
    ['make', 'make'],
    ['check', 'atrarium mix check mix.wasm'],
    ['run', `atrarium mix run mix.wasm --against ${candidates}`],
  ] as const
  return (
    <div className="grid min-w-0 content-start gap-4">
      <h3 className="text-lg font-semibold">{t('help.make')}</h3>
      <MixChoice
        name={t('help.language')}
        value={language}
        onChange={setLanguage}
        choices={[
          ['js', LANGUAGES.js],
          ['rust', LANGUAGES.rust],
          ['python', LANGUAGES.python],
        ]}
      />
      <p className="text-sm text-muted-foreground">
        {t('help.needs', { tools: t(`help.tools.${language}`) })} {t(`help.example.${language}`)}
      </p>
      <ol className="grid gap-3">
        {steps.map(([step, command]) => (
          <li key={step} className="grid gap-1">
            <span className="text-sm">{t(`help.step.${step}`)}</span>
            <code className="block rounded-lg bg-muted px-3 py-2 text-xs">{command}</code>
          </li>
        ))}
      </ol>
      <div className="flex flex-wrap items-center gap-3 text-sm text-muted-foreground">
        <Copy text={steps.map(([, command]) => command).join('\n')} label={t('help.copy')}>
          {t('help.copy')}
        </Copy>
        <span>{t('help.next')}</span>
      </div>
    </div>
  )
}

import { Link } from '@tanstack/react-router'
import { CircleCheck, CircleX, Info } from 'lucide-react'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import type { Mix, MixVersion } from '@/api/mixes'
import { ProblemNote } from '@/parts/problem'
import { Button } from '@/ui/button'
import { Spinner } from '@/ui/spinner'
import { useMakeActive } from './mix-active'
import { bytes, capital } from './mix-text'
import type { Phase } from './mix-uploading'

type Props = {
  id: string
  mix: Mix
  phase: Phase
  cancel: () => void
  another: () => void
  /** The button with which to try another file. */
  choose: ReactNode
}

/** How far an upload is, and what came of it. */
export function MixUploadPhase({ id, mix, phase, cancel, another, choose }: Props) {
  const { t, i18n } = useTranslation(['mixes', 'common'])
  const size = (count: number) => bytes(count, i18n.language)
  switch (phase.kind) {
    case 'idle':
      return null
    case 'flawed':
      return (
        <Told icon={<CircleX aria-hidden className="text-destructive" />} title={t('upload.notSent')} buttons={choose}>
          {t(`upload.flaw.${phase.flaw}`, { file: phase.file.name, size: size(phase.file.size), most: size(mix.quotas.largestBytes) })}
        </Told>
      )
    case 'sending':
      if (phase.part >= 1) return <Checking />
      return <Sending file={phase.file} part={phase.part} cancel={cancel} />
    case 'problem':
      return (
        <div className="grid w-full max-w-md justify-items-center gap-4 text-left">
          <ProblemNote cause={phase.cause} />
          {choose}
        </div>
      )
    case 'refused':
      return <Refused sentence={phase.sentence} another={another} />
    case 'cancelled':
      return <Told icon={<Info aria-hidden className="text-muted-foreground" />} title={t('upload.cancelled')} buttons={choose} />
    case 'kept':
      return <Kept id={id} mix={mix} version={phase.version} already={phase.already} another={another} />
  }
}

function Sending({ file, part, cancel }: { file: File; part: number; cancel: () => void }) {
  const { t, i18n } = useTranslation(['mixes', 'common'])
  const percent = Math.floor(part * 100)
  return (
    <div className="grid w-full max-w-md justify-items-center gap-3">
      <p role="status" className="font-medium">
        {t('upload.sending', { file: file.name })}
      </p>
      <div
        role="progressbar"
        aria-label={t('upload.progress')}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={percent}
        className="h-2.5 w-full overflow-hidden rounded-full bg-muted"
      >
        <div className="h-full rounded-full bg-primary transition-[width]" style={{ width: `${percent}%` }} />
      </div>
      <p className="flex w-full justify-between text-sm text-muted-foreground tabular-nums">
        <span>{t('upload.sent', { sent: bytes(part * file.size, i18n.language), size: bytes(file.size, i18n.language) })}</span>
        <span>{new Intl.NumberFormat(i18n.language, { style: 'percent' }).format(percent / 100)}</span>
      </p>
      <Button kind="secondary" onClick={cancel}>
        {t('common:cancel')}
      </Button>
    </div>
  )
}

function Checking() {
  const { t } = useTranslation('mixes')
  return (
    <Told icon={<Spinner className="text-primary" />} title={t('upload.checking')}>
      {t('upload.checkingHint')}
    </Told>
  )
}

function Refused({ sentence, another }: { sentence: string; another: () => void }) {
  const { t } = useTranslation('mixes')
  return (
    <Told
      icon={<CircleX aria-hidden className="text-destructive" />}
      title={t('upload.refused')}
      buttons={
        <Button kind="secondary" onClick={another}>
          {t('upload.another')}
        </Button>
      }
    >
      <span lang="en" className="mb-2 block text-foreground">
        {sentence}
      </span>
      {t('upload.refusedHint')}
    </Told>
  )
}

function Kept({
  id,
  mix,
  version,
  already,
  another,
}: {
  id: string
  mix: Mix
  version: MixVersion
  already: boolean
  another: () => void
}) {
  const { t } = useTranslation('mixes')
  const make = useMakeActive(id)
  const { number, state } = version
  const active = mix.active === number
  if (state === 'checking') return <Checking />
  if (state === 'refused') return <Refused sentence={capital(version.refusal ?? '')} another={another} />
  return (
    <Told
      icon={<CircleCheck aria-hidden className="text-primary" />}
      title={t(active ? 'upload.active' : already ? 'upload.already' : 'upload.ready', { number })}
      buttons={
        <>
          {!active && (
            <>
              <Button asChild>
                <Link to="/communities/$id/mix" params={{ id }} search={{ preview: number }}>
                  {t('versions.preview')}
                </Link>
              </Button>
              <Button kind="secondary" busy={make.isPending} onClick={() => make.mutate({ to: number, from: mix.active ?? null })}>
                {t('versions.activate')}
              </Button>
            </>
          )}
          <Button kind="ghost" onClick={another}>
            {t('upload.another')}
          </Button>
        </>
      }
    >
      {t(active ? 'upload.activeHint' : 'upload.readyHint')}
    </Told>
  )
}

function Told({ icon, title, children, buttons }: { icon: ReactNode; title: string; children?: ReactNode; buttons?: ReactNode }) {
  return (
    <>
      <div role="status" className="grid justify-items-center gap-2 [&>svg]:size-8">
        {icon}
        <p className="font-display text-lg font-semibold text-balance">{title}</p>
        {children && <p className="max-w-md text-sm text-muted-foreground">{children}</p>}
      </div>
      {buttons && <div className="flex flex-wrap justify-center gap-2">{buttons}</div>}
    </>
  )
}

import { Upload } from 'lucide-react'
import { type ChangeEvent, type DragEvent, type KeyboardEvent, useEffect, useId, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Mix, MixVersion } from '@/api/mixes'
import { Button } from '@/ui/button'
import { Card } from '@/ui/card'
import { classes } from '@/ui/classes'
import { Field, Input } from '@/ui/field'
import { bytes, capital } from './mix-text'
import { MixUploadPhase } from './mix-upload-phase'
import { useUpload } from './mix-uploading'

/** Where a new version comes in. `versions` are missing until they are known. */
export function MixUpload({ id, mix, versions }: { id: string; mix: Mix; versions?: MixVersion[] }) {
  const { t } = useTranslation('mixes')
  return (
    <Card className="grid content-start gap-4">
      <h2 className="text-xl font-semibold">{t('upload.title')}</h2>
      {mix.mayUpload ? (
        <Place id={id} mix={mix} versions={versions} />
      ) : (
        <div className="rounded-lg bg-warning p-4 text-sm text-warning-foreground">
          <p className="font-medium">{t('upload.may')}</p>
          {mix.mayNotBecause && <p lang="en">{capital(mix.mayNotBecause)}.</p>}
        </div>
      )}
    </Card>
  )
}

function Place({ id, mix, versions }: { id: string; mix: Mix; versions?: MixVersion[] }) {
  const { t, i18n } = useTranslation('mixes')
  const [name, setName] = useState('')
  const { phase, take, again, cancel } = useUpload(id, mix.quotas.largestBytes)
  const over = useDrag()
  const place = useRef<HTMLDivElement>(null)

  const drop = (event: DragEvent) => {
    event.preventDefault()
    void take([...event.dataTransfer.files], name)
  }
  const full = mix.usage.versions >= mix.quotas.versions && !mix.versions.some(({ state }) => state === 'refused')
  // A version that was removed since is nothing to speak of.
  const known = phase.kind === 'kept' && versions ? versions.find(({ number }) => number === phase.version.number) : undefined
  const idle = phase.kind === 'idle' || (over && phase.kind !== 'sending') || (phase.kind === 'kept' && versions && !known)
  useEffect(() => {
    if (phase.kind === 'kept') setName('')
  }, [phase.kind])

  // Where the button that was pressed is gone, the focus goes to what has come instead.
  const shows = idle ? 'idle' : `${phase.kind} ${known?.state} ${mix.active}`
  useEffect(() => {
    if (shows !== 'idle' && document.activeElement === document.body) place.current?.focus({ preventScroll: true })
  }, [shows])
  return (
    <>
      <Field label={t('upload.name')} hint={t('upload.nameHint')}>
        {(control) => (
          <Input {...control} value={name} maxLength={100} onChange={(event) => setName(event.target.value)} autoComplete="off" />
        )}
      </Field>
      {full && (
        <p className="rounded-lg bg-warning p-3 text-sm text-warning-foreground">{t('upload.full', { count: mix.quotas.versions })}</p>
      )}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: who drops nothing has the button in it */}
      <div
        ref={place}
        tabIndex={-1}
        onDragOver={(event) => event.preventDefault()}
        onDrop={drop}
        className={classes(
          'grid min-h-72 content-center justify-items-center gap-3 rounded-2xl border-2 border-dashed border-input p-6 text-center transition-colors outline-none',
          over && 'border-primary bg-accent text-accent-foreground',
        )}
      >
        {idle ? (
          <>
            <Upload aria-hidden className="size-8 text-muted-foreground" />
            <p className="font-display text-lg font-semibold">{t(over ? 'upload.dropNow' : 'upload.drop')}</p>
            <Choose onFiles={(files) => void take(files, name)}>{t('upload.choose')}</Choose>
            <p className="max-w-sm text-sm text-muted-foreground">
              {t('upload.or', { size: bytes(mix.quotas.largestBytes, i18n.language) })}
            </p>
          </>
        ) : (
          <MixUploadPhase
            id={id}
            mix={mix}
            phase={phase.kind === 'kept' && known ? { ...phase, version: known } : phase}
            cancel={cancel}
            another={again}
            choose={<Choose onFiles={(files) => void take(files, name)}>{t('upload.choose')}</Choose>}
          />
        )}
      </div>
    </>
  )
}

/** The browser's own way to choose a file, which works with the keyboard. */
function Choose({ onFiles, children }: { onFiles: (files: File[]) => void; children: string }) {
  const id = useId()
  const chosen = (event: ChangeEvent<HTMLInputElement>) => {
    const files = [...(event.target.files ?? [])]
    // The same file may be chosen again after it was built anew.
    event.target.value = ''
    onFiles(files)
  }
  // It looks like a button, and browsers open it with the space bar alone.
  const enter = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.key !== 'Enter') return
    event.preventDefault()
    event.currentTarget.click()
  }
  return (
    <Button asChild>
      <label
        htmlFor={id}
        className="cursor-pointer has-[:focus-visible]:outline-2 has-[:focus-visible]:outline-offset-2 has-[:focus-visible]:outline-ring"
      >
        {children}
        <input id={id} type="file" accept=".wasm,application/wasm" onChange={chosen} onKeyDown={enter} className="sr-only" />
      </label>
    </Button>
  )
}

type FileDrag = globalThis.DragEvent

/** Whether a file is being dragged over the page. One that is dropped beside its place doesn't take the page's. */
function useDrag(): boolean {
  const [over, setOver] = useState(false)
  useEffect(() => {
    let depth = 0
    const isFile = (event: FileDrag) => event.dataTransfer?.types.includes('Files') ?? false
    const enter = (event: FileDrag) => isFile(event) && ++depth === 1 && setOver(true)
    const leave = (event: FileDrag) => isFile(event) && --depth <= 0 && end()
    const hold = (event: FileDrag) => isFile(event) && event.preventDefault()
    const drop = (event: FileDrag) => {
      hold(event)
      end()
    }
    const end = () => {
      depth = 0
      setOver(false)
    }
    const listening = new AbortController()
    const { signal } = listening
    addEventListener('dragenter', enter, { signal })
    addEventListener('dragleave', leave, { signal })
    addEventListener('dragover', hold, { signal })
    addEventListener('drop', drop, { signal })
    return () => listening.abort()
  }, [])
  return over
}

import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { keyOf } from '@/api/communities'
import { type MixVersion, upload, versionsQuery } from '@/api/mixes'
import { Problem } from '@/api/problem'
import { useChange } from '@/parts/change'
import { useSentence } from '@/parts/problem'
import { useSay } from '@/ui/toast'

/** Why a file isn't even sent. */
export type Flaw = 'several' | 'large' | 'other'

/** What comes of an upload that was sent. */
export type Outcome =
  | { kind: 'kept'; version: MixVersion; already: boolean }
  | { kind: 'refused'; sentence: string }
  | { kind: 'cancelled' }

export type Phase =
  | { kind: 'idle' }
  | { kind: 'flawed'; flaw: Flaw; file: File }
  | { kind: 'sending'; file: File; part: number }
  | { kind: 'problem'; cause: Error }
  | Outcome

/** The first bytes of all WebAssembly. */
const MAGIC = [0x00, 0x61, 0x73, 0x6d]

export async function flawOf(file: File, others: number, largest: number): Promise<Flaw | undefined> {
  if (others > 0) return 'several'
  try {
    const start = new Uint8Array(await file.slice(0, MAGIC.length).arrayBuffer())
    if (MAGIC.some((byte, at) => start[at] !== byte)) return 'other'
  } catch {
    // A folder, for example.
    return 'other'
  }
  return file.size > largest ? 'large' : undefined
}

/** Uploads a file and says how far it is. It goes on if its page is left, and then says in a corner what came of it. */
export function useUpload(id: string, largest: number) {
  const { t } = useTranslation('mixes')
  const say = useSay()
  const sentence = useSentence()
  const queries = useQueryClient()
  const [flawed, setFlawed] = useState<{ flaw: Flaw; file: File }>()
  const [sent, setSent] = useState<{ file: File; part: number }>()
  const stop = useRef<AbortController>(undefined)
  const here = useRef(false)
  useEffect(() => {
    here.current = true
    return () => {
      here.current = false
    }
  }, [])

  const send = async ({ file, name }: { file: File; name: string }): Promise<Outcome> => {
    const control = new AbortController()
    stop.current = control
    setSent({ file, part: 0 })
    try {
      return { kind: 'kept', ...(await upload(id, file, (part) => setSent({ file, part }), control.signal, name || undefined)) }
    } catch (cause) {
      if (control.signal.aborted) return { kind: 'cancelled' }
      if (cause instanceof Problem && cause.name === 'MixRefused') return { kind: 'refused', sentence: sentence(cause) }
      if (!here.current) say({ kind: 'wrong', text: t('said.notUploaded'), more: sentence(cause) })
      throw cause
    }
  }

  const change = useChange(send, {
    quiet: true,
    concerns: [[...keyOf(id), 'mix']],
    after: (outcome) => {
      if (outcome?.kind === 'kept') {
        const { version } = outcome
        queries.setQueryData(
          versionsQuery(id).queryKey,
          (versions) =>
            versions && [version, ...versions.filter(({ number }) => number !== version.number)].sort((a, b) => b.number - a.number),
        )
        if (!here.current) {
          say({ kind: 'done', text: t(version.state === 'ready' ? 'said.ready' : 'said.checking', { number: version.number }) })
        }
      }
      if (outcome?.kind === 'refused' && !here.current) say({ kind: 'wrong', text: t('said.refused'), more: outcome.sentence })
    },
  })

  const take = async (files: readonly File[], name: string) => {
    const [file, ...others] = files
    if (!file || change.isPending) return
    const flaw = await flawOf(file, others.length, largest)
    change.reset()
    setFlawed(flaw && { flaw, file })
    if (!flaw) change.mutate({ file, name: name.trim() })
  }

  const again = () => {
    change.reset()
    setFlawed(undefined)
  }

  let phase: Phase = { kind: 'idle' }
  if (flawed) phase = { kind: 'flawed', ...flawed }
  else if (change.isPending) phase = sent ? { kind: 'sending', ...sent } : phase
  else if (change.error) phase = { kind: 'problem', cause: change.error }
  else if (change.data) phase = change.data
  return { phase, take, again, cancel: () => stop.current?.abort() }
}

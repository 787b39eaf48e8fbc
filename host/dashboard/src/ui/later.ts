/** Code that a page doesn't begin with: it comes with the first sign of somebody, or when it is wanted. */
import { useEffect, useReducer } from 'react'

export type Later<Parts> = {
  /** What came; nothing before. */
  readonly parts: Parts | undefined
  load: () => Promise<Parts>
}

const all: Later<unknown>[] = []
let signed = false

/** Names such code; nothing is loaded yet, unless somebody is there already. */
export function later<Parts>(fetch: () => Promise<Parts>): Later<Parts> {
  let parts: Parts | undefined
  let coming: Promise<Parts> | undefined
  const begin = async () => {
    try {
      parts = await fetch()
      return parts
    } catch (cause) {
      // Whoever wants it next tries again.
      coming = undefined
      throw cause
    }
  }
  const code: Later<Parts> = {
    get parts() {
      return parts
    },
    load: () => {
      coming ??= begin()
      return coming
    },
  }
  all.push(code)
  if (signed) soon(code.load())
  return code
}

/** What came of it, once it is wanted. */
export function useLater<Parts>(code: Later<Parts>, wanted: boolean): Parts | undefined {
  const [, came] = useReducer((count: number) => count + 1, 0)
  useEffect(() => {
    if (wanted && !code.parts) void code.load().then(came)
  }, [code, wanted])
  return code.parts
}

/** What fails is tried again when it is wanted. */
function soon(coming: Promise<unknown>) {
  coming.catch(() => {})
}

/** All there is, and what other pages bring later. */
export async function loadAll() {
  signed = true
  await Promise.all(all.map((code) => code.load()))
}

/** Whoever moves, touches or presses something will soon want it. */
export function loadWithFirstSign() {
  const signs = ['pointermove', 'pointerdown', 'keydown']
  const load = () => {
    for (const sign of signs) removeEventListener(sign, load)
    soon(loadAll())
  }
  for (const sign of signs) addEventListener(sign, load, { passive: true })
}

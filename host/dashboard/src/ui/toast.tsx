import { createContext, type ReactNode, useCallback, useContext, useState } from 'react'
import { later, useLater } from './later'

const code = later(() => import('./toast-parts'))

export type Note = { id: number; kind: 'done' | 'wrong'; text: ReactNode; more?: ReactNode; action?: { label: string; run: () => void } }
type Say = (note: Omit<Note, 'id'>) => void

const Context = createContext<Say>(() => {})

/** Says something in a corner of the page for a while, and to ears. */
export function useSay(): Say {
  return useContext(Context)
}

let last = 0

export function Toasts({ children }: { children: ReactNode }) {
  const [notes, setNotes] = useState<Note[]>([])
  const say = useCallback<Say>((note) => setNotes((notes) => [...notes.slice(-2), { ...note, id: ++last }]), [])
  const drop = (id: number) => setNotes((notes) => notes.filter((note) => note.id !== id))
  const parts = useLater(code, notes.length > 0)
  return (
    <Context.Provider value={say}>
      {children}
      {parts && <parts.Notes notes={notes} onDrop={drop} />}
    </Context.Provider>
  )
}

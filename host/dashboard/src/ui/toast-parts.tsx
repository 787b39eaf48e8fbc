import { CircleCheck, TriangleAlert, X } from 'lucide-react'
import { Toast as Radix } from 'radix-ui'
import { useTranslation } from 'react-i18next'
import { Button } from './button'
import { classes } from './classes'
import type { Note } from './toast'

/** The notes, in a corner of the page. */
export function Notes({ notes, onDrop }: { notes: Note[]; onDrop: (id: number) => void }) {
  const { t } = useTranslation()
  return (
    <Radix.Provider label={t('note')} swipeDirection="right">
      {notes.map((note) => (
        <Radix.Root
          key={note.id}
          duration={note.kind === 'wrong' ? 12_000 : 5_000}
          onOpenChange={(open) => open || onDrop(note.id)}
          className={classes(
            'flex items-start gap-3 rounded-xl border bg-card p-4 text-sm shadow-lg',
            note.kind === 'wrong' && 'border-destructive',
          )}
        >
          {note.kind === 'done' ? (
            <CircleCheck aria-hidden className="mt-0.5 size-4 shrink-0 text-primary" />
          ) : (
            <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-destructive" />
          )}
          <div className="grid min-w-0 grow gap-1">
            <Radix.Title className="font-medium">{note.text}</Radix.Title>
            {note.more && <Radix.Description className="text-muted-foreground">{note.more}</Radix.Description>}
            {note.action && (
              <Radix.Action asChild altText={note.action.label}>
                <Button kind="link" size="tight" className="justify-self-start" onClick={note.action.run}>
                  {note.action.label}
                </Button>
              </Radix.Action>
            )}
          </div>
          <Radix.Close asChild>
            <Button kind="ghost" size="icon" className="-m-2 size-8" aria-label={t('close')}>
              <X aria-hidden />
            </Button>
          </Radix.Close>
        </Radix.Root>
      ))}
      <Radix.Viewport className="fixed right-0 bottom-0 z-[60] flex w-[min(26rem,100vw)] flex-col gap-2 p-4 outline-none" />
    </Radix.Provider>
  )
}

import { classes } from '@/ui/classes'

/** Somebody by their handle, if it is verified, else by their DID. */
export function Person({ did, handle, className }: { did: string; handle?: string | null; className?: string }) {
  return (
    <a
      href={`https://bsky.app/profile/${did}`}
      target="_blank"
      rel="noreferrer"
      title={did}
      className={classes('font-medium underline-offset-4 hover:underline', !handle && 'font-mono text-[0.9em]', className)}
    >
      {handle ? `@${handle}` : short(did)}
    </a>
  )
}

/** A DID in a width that fits. */
export function short(did: string): string {
  return did.length > 24 ? `${did.slice(0, 16)}…${did.slice(-4)}` : did
}

/** A picture, or a letter in a colour that is always the same for the same person. */
export function Avatar({ did, name, picture }: { did: string; name: string; picture?: string }) {
  const letter = [...name.replace(/^@/, '')][0]?.toUpperCase() ?? '?'
  const hue = [...did].reduce((sum, sign) => (sum * 31 + (sign.codePointAt(0) ?? 0)) % 360, 7)
  return (
    <span
      aria-hidden
      className="grid size-10 shrink-0 place-items-center overflow-hidden rounded-full bg-[oklch(0.86_0.06_var(--hue))] font-semibold text-[oklch(0.3_0.06_var(--hue))]"
      style={{ '--hue': hue } as React.CSSProperties}
    >
      {picture ? <img src={picture} alt="" loading="lazy" width={40} height={40} className="size-full object-cover" /> : letter}
    </span>
  )
}

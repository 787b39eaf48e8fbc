import type { ReactNode } from 'react'

/** What is shown where nothing is yet: what would be here, and what to do for it. */
export function Empty({ icon, title, children }: { icon?: ReactNode; title: ReactNode; children?: ReactNode }) {
  return (
    <div className="grid justify-items-center gap-2 rounded-2xl border border-dashed px-6 py-12 text-center [&>svg]:size-8 [&>svg]:text-muted-foreground">
      {icon}
      <p className="font-display text-lg font-semibold">{title}</p>
      {children && <div className="grid max-w-prose justify-items-center gap-3 text-sm text-muted-foreground">{children}</div>}
    </div>
  )
}

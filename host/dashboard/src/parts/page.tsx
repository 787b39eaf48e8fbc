import { type ReactNode, useEffect } from 'react'

/** A page's heading, which is its title in the browser too. */
export function PageTitle({ title, children }: { title: string; children?: ReactNode }) {
  useTitle(title)
  return (
    <div className="mb-6 flex flex-wrap items-end justify-between gap-3">
      <h1 className="text-3xl font-semibold">{title}</h1>
      {children}
    </div>
  )
}

export function useTitle(title: string) {
  useEffect(() => {
    document.title = title === 'Atrarium' ? title : `${title} · Atrarium`
  }, [title])
}

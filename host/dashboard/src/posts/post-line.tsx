import { useSaid } from './said'

/** The beginning of what a post says, in one line; its address where nobody can tell. */
export function PostLine({ uri }: { uri: string }) {
  const { data: said } = useSaid(uri)
  const text = said?.text.replace(/\s+/g, ' ').trim()
  return <span className="block h-5 truncate text-sm/5 text-muted-foreground">{text || uri}</span>
}

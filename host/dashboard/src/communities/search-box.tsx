import { Search } from 'lucide-react'
import { type ComponentProps, useEffect, useEffectEvent, useRef, useState } from 'react'
import { classes } from '@/ui/classes'
import { Input } from '@/ui/field'

/** How long nobody types before it is searched. */
const PAUSE_MS = 300

type Props = Omit<ComponentProps<'input'>, 'value' | 'onChange' | 'type'> & { value: string; onSearch: (text: string) => void }

/** A text that is searched for when its typing pauses. It follows its value, such as when the browser goes back. */
export function SearchBox({ value, onSearch, className, ...rest }: Props) {
  const [text, setText] = useState(value)
  const searched = useRef(value)
  const search = (wanted: string) => {
    if (wanted === searched.current) return
    searched.current = wanted
    onSearch(wanted)
  }
  const paused = useEffectEvent(() => search(text.trim()))
  useEffect(() => {
    if (value === searched.current) return
    searched.current = value
    setText(value)
  }, [value])
  // biome-ignore lint/correctness/useExhaustiveDependencies: each letter begins the pause anew
  useEffect(() => {
    const timer = setTimeout(paused, PAUSE_MS)
    return () => clearTimeout(timer)
  }, [text])
  return (
    <div className={classes('relative', className)}>
      <Search aria-hidden className="pointer-events-none absolute top-1/2 left-3 size-4 -translate-y-1/2 text-muted-foreground" />
      <Input
        {...rest}
        type="search"
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || event.nativeEvent.isComposing) return
          event.preventDefault()
          search(text.trim())
        }}
        maxLength={200}
        autoComplete="off"
        className="pl-9"
      />
    </div>
  )
}

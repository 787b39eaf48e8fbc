import { moment } from './time'

const MOMENT = /(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)/

/** A sentence of the program's, which is in English. The moments in it are written in the reader's zone. */
export function Sentence({ text, className }: { text: string; className?: string }) {
  const parts = text.split(MOMENT)
  return (
    <p lang="en" className={className}>
      {parts.map((part, place) =>
        place % 2 === 1 ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a sentence stay in their order
          <time key={place} dateTime={part}>
            {moment(new Date(part), 'en')}
          </time>
        ) : (
          part
        ),
      )}
    </p>
  )
}

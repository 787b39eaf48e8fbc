import { Check, CircleQuestionMark, X } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import type { Explanation } from '@/api/communities'
import { Sentence } from '@/parts/sentence'
import { classes } from '@/ui/classes'

type Clause = Explanation['clauses'][number]

const LOOKS = {
  yes: { Icon: Check, look: 'bg-accent text-accent-foreground' },
  no: { Icon: X, look: 'bg-destructive text-destructive-foreground' },
  unknown: { Icon: CircleQuestionMark, look: 'bg-muted text-muted-foreground' },
}

function holds(clause: Clause): keyof typeof LOOKS {
  if (clause.holds === true) return 'yes'
  return clause.holds === false ? 'no' : 'unknown'
}

/** All that is asked of a post, in order, and whether it is so. */
export function ClauseList({ clauses }: { clauses: Clause[] }) {
  const { t } = useTranslation('posts')
  return (
    <ol className="grid divide-y">
      {clauses.map((clause) => {
        const answer = holds(clause)
        const { Icon, look } = LOOKS[answer]
        return (
          <li key={clause.code} className="flex gap-3 py-3 first:pt-0 last:pb-0">
            <span className={classes('mt-0.5 grid size-6 shrink-0 place-items-center rounded-full [&>svg]:size-3.5', look)}>
              <Icon aria-hidden />
            </span>
            <div className="grid min-w-0 grow gap-0.5">
              <h4 className="grid grid-cols-[minmax(0,1fr)_auto] items-baseline gap-x-3 font-sans text-base/6 font-medium">
                {t(`why.clause.${clause.code}`)}
                <span className={classes('text-sm', answer === 'no' ? 'text-destructive' : 'text-muted-foreground')}>
                  {t(`why.holds.${answer}`)}
                </span>
              </h4>
              <Sentence text={clause.message} className="text-sm text-muted-foreground" />
            </div>
          </li>
        )
      })}
    </ol>
  )
}

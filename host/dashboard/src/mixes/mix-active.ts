import { useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { keyOf } from '@/api/communities'
import { activate, deactivate, mixQuery, rollBack } from '@/api/mixes'
import { useChange } from '@/parts/change'
import { useSay } from '@/ui/toast'

/** Who makes a feed: a version, or the default mix. */
export type Maker = number | null

type Wish = {
  to: Maker
  /** Who makes it until now, so that it can be undone. */
  from?: Maker
  /** Whether it is a step back, after which the next one leads here again. */
  back?: boolean
}

/** Lets a version or the default mix make the feed, at once. What was before is one press away. */
export function useMakeActive(id: string, after?: () => void) {
  const { t } = useTranslation('mixes')
  const say = useSay()
  const queries = useQueryClient()
  const change = useChange(
    async ({ to, from, back }: Wish) => {
      const mix = back ? await rollBack(id) : to === null ? await deactivate(id) : await activate(id, to)
      return { mix, from }
    },
    {
      concerns: [[...keyOf(id), 'mix']],
      after: (done) => {
        if (!done) return
        const { mix, from } = done
        queries.setQueryData(mixQuery(id).queryKey, mix)
        const made = mix.active ?? null
        say({
          kind: 'done',
          text: made === null ? t('said.default') : t('said.version', { number: made }),
          action: from === undefined || from === made ? undefined : { label: t('undo'), run: () => change.mutate({ to: from }) },
        })
        after?.()
      },
    },
  )
  return change
}

import { type UseMutationResult, useMutation, useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import type { Schemas, Written } from '@/api/client'
import { useSay } from '@/ui/toast'
import { useSentence } from './problem'

type Told<Done> = {
  /** What is said when it is done; without it nothing is. */
  said?: string
  /** What may be out of date then. */
  concerns?: readonly (readonly unknown[])[]
  /** Also when it is done at the user's server and can't be seen here yet. */
  after?: (done: Done | undefined) => void
  /** Whether a problem is shown where it was tried, so that nothing need be said. */
  quiet?: boolean
}

/** Something that is changed at the user's own server. What comes of it is said, whatever that is. */
export function useWrite<Wish, Answer>(write: (wish: Wish) => Promise<Written<Answer>>, told: Told<Exclude<Answer, Schemas['Pending']>>) {
  const { t } = useTranslation()
  const say = useSay()
  return useChange(write, {
    ...told,
    said: undefined,
    after: (written) => {
      if (written?.pending) say({ kind: 'done', text: t('pending') })
      else if (told.said) say({ kind: 'done', text: told.said })
      told.after?.(written?.done)
    },
  })
}

/** Something that is changed here. */
export function useChange<Wish, Done>(change: (wish: Wish) => Promise<Done>, told: Told<Done>): UseMutationResult<Done, Error, Wish> {
  const { t } = useTranslation()
  const say = useSay()
  const sentence = useSentence()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: change,
    onSuccess: (done) => {
      for (const queryKey of told.concerns ?? []) void queries.invalidateQueries({ queryKey })
      if (told.said) say({ kind: 'done', text: told.said })
      told.after?.(done)
    },
    onError: (cause) => {
      if (!told.quiet) say({ kind: 'wrong', text: t('problem.title'), more: sentence(cause) })
    },
  })
}

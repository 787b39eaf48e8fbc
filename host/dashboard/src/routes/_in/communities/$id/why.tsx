import { useQueryClient, useSuspenseQuery } from '@tanstack/react-query'
import { createFileRoute } from '@tanstack/react-router'
import { useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { communityQuery, explainQuery } from '@/api/communities'
import { useTitle } from '@/parts/page'
import { Button } from '@/ui/button'
import { Card } from '@/ui/card'
import { Field, Input } from '@/ui/field'
import { Explained } from '@/why/explained'

/** Why a post is in the feed, or isn't. Which post is in the page's address, so that the answer can be passed on. */
export const Route = createFileRoute('/_in/communities/$id/why')({
  validateSearch: (search): { post?: string } => (typeof search.post === 'string' ? { post: search.post } : {}),
  component: Page,
})

function Page() {
  const { t } = useTranslation('posts')
  const { id } = Route.useParams()
  const { post } = Route.useSearch()
  const { data: community } = useSuspenseQuery(communityQuery(id))
  useTitle(`${t('tabs.why')} · ${community.name}`)
  return (
    <div className="mx-auto grid max-w-3xl gap-6">
      <div className="grid gap-1">
        <h2 className="text-xl font-semibold">{t('why.title')}</h2>
        <p className="text-muted-foreground">{t('why.intro')}</p>
      </div>
      <Question id={id} post={post} />
      {post && <Explained id={id} post={post} />}
    </div>
  )
}

function Question({ id, post }: { id: string; post?: string }) {
  const { t } = useTranslation('posts')
  const navigate = Route.useNavigate()
  const queries = useQueryClient()
  const input = useRef<HTMLInputElement>(null)
  const [asked, setAsked] = useState(post ?? '')
  const [of, setOf] = useState(post)
  if (of !== post) {
    setOf(post)
    setAsked(post ?? '')
  }
  const [empty, setEmpty] = useState(false)
  const ask = (event: React.FormEvent) => {
    event.preventDefault()
    const wanted = asked.trim()
    setEmpty(wanted === '')
    if (wanted === '') return input.current?.focus()
    // Who asks the same again wants to know what is so now.
    if (wanted === post) void queries.invalidateQueries({ queryKey: explainQuery(id, wanted).queryKey })
    else void navigate({ search: { post: wanted }, resetScroll: false })
  }
  return (
    <Card>
      <form onSubmit={ask} noValidate className="grid gap-3">
        <Field label={t('why.label')} hint={t('why.hint')} error={empty && t('why.empty')} required>
          {(control) => (
            <Input
              {...control}
              ref={input}
              value={asked}
              maxLength={1024}
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
              placeholder="https://bsky.app/profile/…/post/…"
              onChange={(event) => {
                setAsked(event.target.value)
                setEmpty(false)
              }}
            />
          )}
        </Field>
        <Button type="submit" className="justify-self-start">
          {t('why.ask')}
        </Button>
      </form>
    </Card>
  )
}

import { screen, within } from '@testing-library/react'
import { expect, test } from 'vitest'
import { community } from '@/test/community'
import { type Answers, network, problem, startAs, visit } from '@/test/render'

const clauses = [
  { code: 'hashtag', holds: true, message: 'The post carries #atrarium_a1b2c3d4.' },
  { code: 'author-member', holds: false, message: 'The author is not a member.' },
  { code: 'within-bounds', holds: null, message: 'A bound may have pushed it out.' },
  { code: 'shown', holds: false, message: 'The feed does not show the post.' },
]

const pages: Answers = {
  'GET /api/auth/start': startAs(),
  'GET /api/communities/moths': community(),
  'GET /api/communities/moths/explain': {
    post: 'at://did:plc:mia/app.bsky.feed.post/3k',
    community: 'at://did:plc:me/net.atrarium.community.config/moths',
    visible: false,
    summary: 'The author is not a member.',
    clauses,
  },
}

test('a pasted link is explained, and the answer has an address of its own', async () => {
  const calls = network(pages)
  const { user } = await visit('/communities/moths/why')
  await user.click(await screen.findByRole('button', { name: 'Explain' }))
  expect(screen.getByText('Paste a link first.')).toBeInTheDocument()
  expect(calls.some(({ path }) => path.endsWith('/explain'))).toBe(false)

  const link = 'https://bsky.app/profile/mia.example.com/post/3k'
  await user.type(screen.getByRole('textbox', { name: 'Link to the post' }), `${link}{Enter}`)
  const verdict = await screen.findByRole('heading', { name: 'It is not in the feed' })
  expect(verdict.closest('[role=status]')).toHaveTextContent('Not so: “Its author is a member”')
  expect(calls.find(({ path }) => path.endsWith('/explain'))?.query.get('post')).toBe(link)
  expect(new URLSearchParams(location.search).get('post')).toBe(link)

  const answers = screen.getAllByRole('listitem').map((item) => item.textContent)
  expect(answers[0]).toMatch(/It carries the hashtag.*Yes/)
  expect(answers[1]).toMatch(/Its author is a member.*No/)
  expect(answers[2]).toMatch(/bounds of this host.*Unknown/)
})

test('in Japanese each step has a Japanese name, and the sentence says that it is English', async () => {
  network(pages)
  await visit('/communities/moths/why?post=at%3A%2F%2Fdid%3Aplc%3Amia%2Fapp.bsky.feed.post%2F3k', 'ja')
  const step = (await screen.findByRole('heading', { name: /投稿者がメンバーである/ })).closest('li')
  if (!step) throw new Error('steps are in a list')
  expect(within(step).getByText('いいえ')).toBeInTheDocument()
  expect(within(step).getByText('The author is not a member.')).toHaveAttribute('lang', 'en')
})

test('a link that leads nowhere is said to', async () => {
  network({
    ...pages,
    'GET /api/communities/moths/explain': () => problem(422, 'Unprocessable', 'a post is called by the address of its page'),
  })
  await visit('/communities/moths/why?post=nonsense')
  expect(await screen.findByRole('alert')).toHaveTextContent('A post is called by the address of its page')
})

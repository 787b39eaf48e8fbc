import { act, screen, waitFor, within } from '@testing-library/react'
import { expect, test } from 'vitest'
import type { Post } from '@/api/communities'
import { community } from '@/test/community'
import { type Answers, type Call, Events, network, startAs, visit } from '@/test/render'

const APPVIEW = 'https://appview.example.org'

/** Each test writes posts of its own: what the AppView said of one is remembered, and so is that it can't be reached. */
function post(rkey: string, more: Partial<Post> = {}): Post {
  return {
    uri: `at://${more.author ?? 'did:plc:mia'}/app.bsky.feed.post/${rkey}`,
    author: 'did:plc:mia',
    authorHandle: 'mia.example.com',
    createdAt: '2026-11-20T12:00:00.000Z',
    reply: false,
    languages: [],
    labels: [],
    shown: true,
    ...more,
  }
}

const pages = (role: 'owner' | 'moderator' | 'member' | null, posts: Post[], more: Parameters<typeof community>[0] = {}): Answers => ({
  'GET /api/auth/start': startAs({}, { appview: APPVIEW }),
  'GET /api/communities/moths': community({ role, owner: role === 'owner' ? 'did:plc:me' : 'did:plc:olga', ...more }),
  'GET /api/communities/moths/posts': { posts },
  [`GET ${APPVIEW}/xrpc/app.bsky.feed.getPosts`]: ({ query }: Call) => ({
    posts: query.getAll('uris').flatMap((uri) =>
      uri.endsWith('/unknown')
        ? []
        : [
            {
              uri,
              author: { displayName: 'Mia', handle: 'mia.example.com' },
              record: { text: 'Hawk-moths\nat the trap' },
              likeCount: 2,
              embed: { images: [{ thumb: 'https://cdn.example.org/a.jpg', alt: 'A moth on a sheet' }] },
            },
          ],
    ),
  }),
})

const moderating = () => screen.queryAllByRole('button', { name: /^Moderate:/ })

test('a post is its address until the AppView says more, and stays it where that has no such post', async () => {
  network(pages('member', [post('a'), post('unknown')]))
  await visit('/communities/moths')
  const [known, unknown] = await screen.findAllByRole('listitem').then((items) => items.filter((item) => item.querySelector('time')))
  if (!known || !unknown) throw new Error('two posts were given')
  expect(known).toHaveTextContent('at://did:plc:mia/app.bsky.feed.post/a')
  expect(await within(known).findByText(/Hawk-moths/)).toHaveTextContent('Hawk-moths at the trap')
  expect(known).not.toHaveTextContent('at://')
  expect(within(known).getByText('2 likes')).toBeInTheDocument()
  expect(within(known).getByRole('img', { name: 'A moth on a sheet' })).toBeInTheDocument()
  expect(unknown).toHaveTextContent('at://did:plc:mia/app.bsky.feed.post/unknown')
  expect(unknown).toHaveTextContent('Bluesky doesn’t show this post')
  expect(unknown).toHaveTextContent('@mia.example.com')
})

test('pictures of a post that its author has labelled are covered until they are wanted', async () => {
  network(pages('member', [post('labelled', { labels: ['nudity'] })]))
  const { user } = await visit('/communities/moths')
  const show = await screen.findByRole('button', { name: 'Show pictures' })
  expect(screen.queryByRole('img', { name: 'A moth on a sheet' })).not.toBeInTheDocument()
  await user.click(show)
  expect(screen.getByRole('img', { name: 'A moth on a sheet' })).toBeInTheDocument()
})

test('a member can’t moderate, nor see what the feed doesn’t show, whatever the address says', async () => {
  const calls = network(pages('member', [post('b')]))
  await visit('/communities/moths?hidden=true')
  await screen.findByRole('link', { name: 'Why is it here?' })
  expect(moderating()).toEqual([])
  expect(screen.queryByRole('checkbox')).not.toBeInTheDocument()
  const asked = calls.filter(({ path }) => path.endsWith('/posts'))
  expect(asked.map(({ query }) => query.get('hidden'))).toEqual([null])
})

test('moderators act on others, but not on the owner, on each other or on themselves', async () => {
  const authors = ['did:plc:me', 'did:plc:olga', 'did:plc:jun', 'did:plc:mia']
  const posts = authors.map((author) => post('c', { author, authorHandle: `${author.split(':').at(-1)}.example.com` }))
  network(pages('moderator', posts, { moderators: ['did:plc:me', 'did:plc:jun'] }))
  await visit('/communities/moths')
  await waitFor(() => expect(moderating()).toHaveLength(1))
})

test('the owner sees what becomes public before a post is hidden', async () => {
  const calls = network({ ...pages('owner', [post('d')]), 'POST /api/moderation/actions': () => Response.json({}, { status: 201 }) })
  const written = () => calls.filter(({ method }) => method === 'POST').map(({ body }) => body)
  const { user } = await visit('/communities/moths')
  await user.click(await screen.findByRole('button', { name: /^Moderate:/ }))
  await user.click(screen.getByRole('menuitem', { name: 'Hide post' }))
  const dialog = within(screen.getByRole('dialog', { name: 'Hide this post?' }))
  expect(dialog.getByText('This becomes public')).toBeInTheDocument()
  expect(dialog.getByText(/Write no names/)).toBeInTheDocument()

  const reason = dialog.getByRole('textbox', { name: 'Reason (optional)' })
  await user.click(reason)
  await user.paste('🦋'.repeat(301))
  expect(dialog.getByRole('alert')).toHaveTextContent('301 letters, and 300 are allowed')
  await user.click(dialog.getByRole('button', { name: 'Hide post' }))
  expect(written()).toEqual([])

  await user.click(dialog.getByRole('button', { name: 'Off topic' }))
  await user.click(dialog.getByRole('button', { name: 'Hide post' }))
  await waitFor(() => expect(screen.queryByRole('dialog')).not.toBeInTheDocument())
  expect(written()).toEqual([
    { community: 'moths', action: 'hide_post', target: 'at://did:plc:mia/app.bsky.feed.post/d', reason: 'Off topic' },
  ])
})

test('what is hidden is listed on demand, with the reason, and can be shown again', async () => {
  const hidden = post('e', { shown: false, hiddenBecause: ['hidden', 'blocked'] })
  const answers = pages('owner', [])
  network({ ...answers, 'GET /api/communities/moths/posts': ({ query }: Call) => ({ posts: query.get('hidden') ? [hidden] : [] }) })
  const { user } = await visit('/communities/moths')
  await user.click(await screen.findByRole('checkbox', { name: 'Also show what the feed doesn’t' }))
  expect(await screen.findByText('Hidden by moderation')).toBeInTheDocument()
  expect(screen.getByText('Author is blocked')).toBeInTheDocument()
  expect(location.search).toBe('?hidden=true')
  expect(screen.getByRole('link', { name: 'Why is it not here?' })).toBeInTheDocument()
  await user.click(await screen.findByRole('button', { name: /^Moderate:/ }))
  expect(screen.getByRole('menuitem', { name: 'Show post again' })).toBeInTheDocument()
  expect(screen.getByRole('menuitem', { name: 'Unblock author' })).toBeInTheDocument()
})

test('new posts come in by themselves, and their number is told', async () => {
  const posts = [post('f')]
  network(pages('member', posts))
  await visit('/communities/moths')
  await screen.findByRole('link', { name: 'Why is it here?' })
  await waitFor(() => expect(Events.open).toHaveLength(1))
  posts.unshift(post('g', { createdAt: '2026-11-20T13:00:00.000Z' }))
  act(() => void Events.open[0]?.dispatchEvent(new Event('post')))
  const news = await screen.findByRole('button', { name: '1 new post' })
  expect(news.closest('[role=status]')).not.toBeNull()
})

test('where nobody has posted, it says how posts get there', async () => {
  network(pages(null, []))
  await visit('/communities/moths')
  expect(await screen.findByText('No posts in the past week')).toBeInTheDocument()
  expect(screen.getByText(/put this hashtag into them/)).toBeInTheDocument()
  expect(screen.getByText(/so join first/)).toBeInTheDocument()
})

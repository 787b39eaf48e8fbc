// A community's life, written into a real PDS and read back through the AppView: what tests/it/real_peers/journey.rs proves, for
// people to look at. In the end it goes on showing the feed whenever it changes.

import { setTimeout as pause } from 'node:timers/promises'

const PASSWORD = 'correct horse'
const TAG = '#atrarium_0a11c0de'
const POST = 'app.bsky.feed.post'
const CONFIG = 'net.atrarium.community.config'
const MEMBERSHIP = 'net.atrarium.community.membership'
const ACTION = 'net.atrarium.moderation.action'

/** How long a step of the story waits for what must follow. */
const PATIENCE_MS = 30_000

async function call(url, { token, input } = {}) {
  const headers = { ...(token && { authorization: `Bearer ${token}` }), ...(input && { 'content-type': 'application/json' }) }
  const method = input === undefined ? 'GET' : 'POST'
  const answer = await fetch(url, { method, headers, body: input ? JSON.stringify(input) : undefined })
  const output = await answer.json().catch(() => ({}))
  return { status: answer.status, ...output }
}

/** Somebody with an account at the PDS. */
class Person {
  constructor(pds, { did, handle, accessJwt }) {
    Object.assign(this, { pds, did, handle, token: accessJwt })
  }

  static async signUp(pds, name) {
    const input = { handle: `${name}.test`, email: `${name}@example.com`, password: PASSWORD }
    return new Person(pds, await done(call(`${pds}/xrpc/com.atproto.server.createAccount`, { input })))
  }

  does(method, input = null) {
    return done(call(`${this.pds}/xrpc/${method}`, { token: this.token, input }))
  }

  create(collection, record, rkey) {
    const input = { repo: this.did, collection, rkey, record: { $type: collection, createdAt: new Date().toISOString(), ...record } }
    return this.does('com.atproto.repo.createRecord', input)
  }

  put(collection, rkey, record) {
    return this.does('com.atproto.repo.putRecord', { repo: this.did, collection, rkey, record: { $type: collection, ...record } })
  }

  delete(uri) {
    const [repo, collection, rkey] = uri.slice('at://'.length).split('/')
    return this.does('com.atproto.repo.deleteRecord', { repo, collection, rkey })
  }

  post(text) {
    return this.create(POST, { text })
  }
}

async function done(answer) {
  const output = await answer
  if (output.status !== 200) throw new Error(`a peer says: ${JSON.stringify(output)}`)
  return output
}

export async function tell({ pds, appview, feeds }) {
  const people = {}
  for (const name of ['olga', 'mia', 'ann', 'ben', 'cat', 'dan', 'eve']) people[name] = await Person.signUp(pds, name)
  const { olga, mia, ann, ben, cat, dan, eve } = people
  const community = `at://${olga.did}/${CONFIG}/moths`
  const feed = `at://${olga.did}/app.bsky.feed.generator/moths`
  const readers = { appview, pds, token: eve.token, feed }

  /** Says what happens, does it, and shows the feed as soon as it holds so many posts. */
  const step = async (what, deed, posts) => {
    console.log(what)
    await deed()
    show(await settled(readers, posts))
  }
  const join = (person, active = true) => person.put(MEMBERSHIP, 'moths', { community, role: 'member', active, joinedAt: new Date().toISOString() })

  await step('Olga opens a community. Mia moderates it; Ann, Ben and Cat join.', async () => {
    await olga.create('app.bsky.feed.generator', { did: feeds.did, displayName: 'Night moths' }, 'moths')
    const feedMix = { own: 100, parent: 0, global: 0 }
    await olga.create(CONFIG, { name: 'Night moths', hashtag: TAG, stage: 'theme', feedMix, moderators: [mia.did] }, 'moths')
    for (const person of [ann, ben, cat]) await join(person)
  }, 0)

  const posts = {}
  await step('All post with the hashtag. Eve is a stranger, and Dan is no member yet.', async () => {
    posts.eve = await eve.post(`a stranger's moth ${TAG}`)
    posts.dan = await dan.post(`before I join ${TAG}`)
    posts.ann = await ann.post(`a hawk moth ${TAG}`)
    posts.lamps = await ben.post(`buy my lamps ${TAG}`)
    posts.ben = await ben.post(`an emperor moth ${TAG}`)
    posts.cat = await cat.post(`mistaken for a butterfly ${TAG}`)
    posts.olga = await olga.post(`welcome ${TAG}`)
  }, 5)
  await step('Dan joins, and brings his post along.', () => join(dan), 6)
  await step("Mia hides Ben's lamps.", () => {
    const record = { action: 'hide_post', target: posts.lamps.uri, community, reason: 'spam', createdAt: new Date().toISOString() }
    return mia.put(ACTION, 'lamps', record)
  }, 5)
  await step('Cat deletes her post.', () => cat.delete(posts.cat.uri), 4)
  await step('Ann edits the hashtag away.', () => ann.put(POST, posts.ann.uri.split('/').pop(), { text: 'a hawk moth', createdAt: new Date().toISOString() }), 3)
  await step('Dan leaves.', () => join(dan, false), 2)
  await step('Ben deactivates his account.', () => ben.does('com.atproto.server.deactivateAccount', {}), 1)
  await step('Ben comes back.', () => ben.does('com.atproto.server.activateAccount'), 2)

  console.log(`That was the story; the network stays. Every account's password is "${PASSWORD}".
The feed is ${feed}
Logged out, in pages of two:
  curl -s '${appview}/xrpc/app.bsky.feed.getFeed?limit=2&feed=${feed}'
What is written from now on shows here. Ctrl-C ends it all.
`)
  for (let last = await page(readers); ; await pause(300)) {
    const now = await page(readers)
    if (JSON.stringify(now) !== JSON.stringify(last)) show(now)
    last = now
  }
}

/** The feed as somebody sees it who is logged in at the PDS, and must be the same for who isn't. */
async function page({ appview, pds, token, feed }) {
  const path = `/xrpc/app.bsky.feed.getFeed?feed=${encodeURIComponent(feed)}`
  const [logged, out] = await Promise.all([call(pds + path, { token }), call(appview + path)])
  const lines = ({ status, error, feed }) => (feed ? feed.map(({ post }) => `${post.author.handle.padEnd(10)} ${post.record.text}`) : [`(${status} ${error})`])
  return { loggedIn: lines(logged), loggedOut: lines(out) }
}

/** Waits until everybody sees so many posts. */
async function settled(readers, posts) {
  const isSo = (lines) => lines.length === posts && !lines.some((line) => line.startsWith('('))
  for (const end = Date.now() + PATIENCE_MS; ; await pause(100)) {
    const now = await page(readers)
    if (isSo(now.loggedIn) && isSo(now.loggedOut)) return now
    if (Date.now() > end) throw new Error(`the feed should hold ${posts} posts; it is ${JSON.stringify(now, null, 2)}`)
  }
}

function show({ loggedIn, loggedOut }) {
  const same = JSON.stringify(loggedIn) === JSON.stringify(loggedOut)
  const lines = same ? loggedIn : ['logged in:', ...loggedIn, 'logged out:', ...loggedOut]
  console.log([...(lines.length ? lines : ['(no posts)']).map((line) => `    ${line}`), ''].join('\n'))
}

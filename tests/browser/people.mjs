// What people do at their own server, in the Bluesky app and beside us; and how they come in.

export const { ATRARIUM, PDS, PASSWORD, MIX, PICTURES } = process.env

/** Somebody with an account at the PDS, whom the test has signed up. */
export const person = (name) => JSON.parse(process.env[name])

async function call(method, input, token) {
  const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) }
  const answer = await fetch(`${PDS}/xrpc/${method}`, { method: 'POST', headers, body: JSON.stringify(input) })
  if (!answer.ok) throw new Error(`${method}: ${answer.status} ${await answer.text()}`)
  return answer.json()
}

/** Writes a post, as from the app; answers its AT-URI. */
export async function posts(who, text) {
  const record = { $type: 'app.bsky.feed.post', text, langs: ['en'], createdAt: new Date().toISOString() }
  return (await call('com.atproto.repo.createRecord', { repo: who.did, collection: 'app.bsky.feed.post', record }, who.token)).uri
}

export async function appPassword(who) {
  return (await call('com.atproto.server.createAppPassword', { name: `atrarium ${Date.now()}` }, who.token)).password
}

/** The address of a post's page in the app. */
export function link(who, uri) {
  return `https://bsky.app/profile/${who.handle}/post/${uri.split('/').pop()}`
}

/** Signs in at the own server's pages, and comes back. */
export async function oauth(page, who) {
  await page.goto(`${ATRARIUM}/`)
  await page.getByLabel('Your handle').fill(who.handle)
  await page.getByRole('main').getByRole('button', { name: 'Sign in', exact: true }).click()
  await atOwnServer(page)
  await page.getByRole('heading', { name: 'Communities', level: 1, exact: true }).waitFor()
}

/** The PDS's own pages, and back. */
export async function atOwnServer(page) {
  await page.waitForURL(/oauth\/authorize/)
  await page.locator('input[type=password]').fill(PASSWORD)
  await page.locator('button[type=submit]').first().click()
  await page.getByRole('button', { name: 'Authorize', exact: true }).click()
  await page.waitForURL((url) => url.port === new URL(ATRARIUM).port && !url.pathname.startsWith('/oauth'))
  // What that server's pages say in the console isn't ours.
  page.said.length = 0
}

/** The same by an app password. */
export async function byPassword(page, who, password, { fails = false } = {}) {
  await page.goto(`${ATRARIUM}/`)
  await page.getByRole('button', { name: 'Sign in with an app password instead' }).click()
  await page.getByLabel('Your handle').fill(who.handle)
  await page.getByRole('textbox', { name: 'App password' }).fill(password)
  await page.getByRole('main').getByRole('button', { name: 'Sign in', exact: true }).click()
  if (!fails) await page.getByRole('heading', { name: 'Communities', level: 1, exact: true }).waitFor()
}

// A browser at the sign-in page of a PDS, without a screen: signs in, answers the page, and prints where it is sent then.
//
//   node browser.mjs <authorize URL> <handle> <password> allow|refuse
//
// It does what the page's own script does, by the PDS's inner API. That checks cookies, the CSRF token, Origin, Referer and the
// Sec-Fetch headers, which fetch() can't set: so plain http.

import http from 'node:http'
import { fail } from './part.mjs'

const [page, handle, password, answer] = process.argv.slice(2)
if (!['allow', 'refuse'].includes(answer)) fail('usage: node browser.mjs <authorize URL> <handle> <password> allow|refuse')
const { origin } = new URL(page)

const cookies = new Map()
const usual = { 'user-agent': 'Mozilla/5.0 (without a screen)', 'accept-language': 'en' }

/** One request with the cookies that there are; keeps those that come. */
function ask(url, method, headers, body) {
  const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method, headers: { ...usual, ...headers, ...length, ...(cookie && { cookie }) } }, (response) => {
      for (const set of response.headers['set-cookie'] ?? []) {
        const [pair] = set.split(';')
        const at = pair.indexOf('=')
        cookies.set(pair.slice(0, at), pair.slice(at + 1))
      }
      let text = ''
      response.on('data', (piece) => (text += piece))
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text }))
    })
    request.on('error', reject)
    request.end(body)
  })
}

const navigate = (from) => ({ 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', 'sec-fetch-site': from ? 'same-origin' : 'none', ...(from && { referer: from }) })

/** What a button of the page calls. */
async function press(endpoint, input, bearer) {
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json',
    origin,
    referer: page,
    'x-csrf-token': cookies.get('csrf-token') ?? '',
    'sec-fetch-mode': 'same-origin',
    'sec-fetch-site': 'same-origin',
    'sec-fetch-dest': 'empty',
    ...(bearer && { authorization: `Bearer ${bearer}` }),
  }
  const response = await ask(`${origin}/@atproto/oauth-provider/~api${endpoint}`, 'POST', headers, JSON.stringify(input))
  if (response.status !== 200) fail(`${endpoint}: ${response.status} ${response.text}`)
  return JSON.parse(response.text)
}

async function answered() {
  if (answer === 'refuse') return press('/reject', {})
  const signedIn = await press('/sign-in', { locale: 'en', username: handle, password, remember: false })
  const { account } = signedIn
  // Older servers name the account by `sub`, newer ones by `did`.
  return press('/consent', account.did ? { did: account.did } : { sub: account.sub }, signedIn.ephemeralToken)
}

const opened = await ask(page, 'GET', navigate())
if (opened.status !== 200) fail(`the page: ${opened.status} ${opened.text.slice(0, 300)}`)
const { url } = await answered()
const sent = await ask(url, 'GET', navigate(page))
if (!sent.headers.location) fail(`no redirect: ${sent.status} ${sent.text.slice(0, 300)}`)
console.log(sent.headers.location)

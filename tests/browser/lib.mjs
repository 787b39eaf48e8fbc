// A browser that looks, listens and counts: what it says in its console, what moves on a page by itself, and what people can't use who use
// a keyboard, a screen reader or little light. A page that isn't calm is a failure of whoever opened it.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import { setTimeout } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { chromium } from 'playwright-core'

const axe = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

/** Without these Chromium asks hosts of its maker's at every start. */
const QUIET = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-sandbox',
]

/** What follows within a second on an idle machine may take long on one that compiles beside. */
export const PATIENCE_MS = 30_000

export async function open() {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'
  assert.ok(fs.existsSync(executablePath), `there is no ${executablePath}: run 'make chromium', or name the browser in CHROMIUM`)
  return chromium.launch({ executablePath, args: QUIET })
}

export const DESKTOP = { width: 1280, height: 900 }
export const PHONE = { width: 390, height: 844 }

/** Somebody's own browser: nobody else's cookies, and a wish for colours and a language. */
export async function visitor(browser, { theme = 'light', size = DESKTOP, language = 'en-GB' } = {}) {
  const context = await browser.newContext({
    viewport: size,
    colorScheme: theme,
    locale: language,
    timezoneId: 'Asia/Tokyo',
    reducedMotion: 'reduce',
    isMobile: size === PHONE,
    hasTouch: size === PHONE,
    permissions: ['clipboard-read', 'clipboard-write'],
  })
  context.setDefaultTimeout(PATIENCE_MS)
  await context.addInitScript(() => {
    window.shifts = []
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        // What is said in a corner over the page moves nothing on it.
        const nodes = entry.sources.map(({ node }) => (node instanceof Element ? node : node?.parentElement))
        // Nobody sees a number that becomes a digit wider.
        if (entry.hadRecentInput || entry.value < 0.0005 || nodes.every((node) => node?.closest('ol.fixed'))) continue
        const what = entry.sources.map(({ node }) => node?.nodeName + '.' + (node?.className ?? '')).join(', ')
        window.shifts.push(`${entry.value.toFixed(4)} ${what.slice(0, 300)}`)
      }
    }).observe({ type: 'layout-shift', buffered: true })
  })
  const page = await context.newPage()
  const said = []
  page.on('console', (message) => message.type() === 'error' && said.push(`${message.text()} (${message.location().url})`))
  page.on('pageerror', (error) => said.push(String(error)))
  return Object.assign(page, { said, end: () => context.close() })
}

/** Forgets what has moved: something has come in, and what is below it makes room. */
export function arrived(page) {
  return page.evaluate(() => {
    window.shifts.length = 0
  })
}

/** The page has nothing to complain of, nothing on it has moved, and everybody can use it. */
export async function calm(page, what, { but = [] } = {}) {
  const said = page.said.filter((line) => !but.some((expected) => expected.test(line)))
  page.said.length = 0
  assert.deepEqual(said, [], `${what}: the console has errors`)
  const shifts = await page.evaluate(() => window.shifts.splice(0))
  assert.deepEqual(shifts, [], `${what}: something has moved by itself`)
  await everybody(page, what)
}

/** axe finds nothing. */
export async function everybody(page, what) {
  await page.evaluate(axe)
  const { violations } = await page.evaluate((rules) => window.axe.run(document, { runOnly: rules }), RULES)
  const found = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => `${node.html.slice(0, 200)} ${node.failureSummary ?? ''}`).join('\n      ')}`)
  assert.deepEqual(found, [], `${what}: not everybody can use it`)
}

/** Nothing is wider than the window. */
export async function fits(page, what) {
  const [wide, window_] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth])
  assert.ok(wide <= window_, `${what}: ${wide} px wide in a window of ${window_}`)
}

/** What is read comes to be that: a list is drawn anew behind what somebody types. */
export async function becomes(read, wanted) {
  const end = Date.now() + PATIENCE_MS
  for (;;) {
    const found = await read()
    if (isDeepStrictEqual(found, wanted) || Date.now() > end) return assert.deepEqual(found, wanted)
    await setTimeout(50)
  }
}

/** What stands in a list with this text in it: a post, an action, a clause. */
export const card = (page, text) => page.getByRole('listitem').filter({ hasText: text })

/** Steps with names, one after the other; the first that fails ends it, with a picture of what was seen. */
export async function step(name, page, deed) {
  const began = Date.now()
  try {
    await deed()
  } catch (error) {
    const picture = `${process.env.PICTURES ?? '.'}/failed.png`
    await page?.screenshot({ path: picture, fullPage: true }).catch(() => {})
    console.log(`not ok: ${name} (${page?.url()}; ${picture})`)
    console.log(`because: ${error instanceof Error ? error.message : error}`)
    console.log(`the page says: ${(await page?.evaluate(() => document.body.innerText).catch(() => ''))?.slice(0, 3000)}`)
    throw error
  }
  console.log(`ok: ${name} (${Date.now() - began} ms)`)
}

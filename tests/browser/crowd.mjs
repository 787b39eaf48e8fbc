// Ten thousand members in a table: all are loaded, few are drawn, and it scrolls, sorts and finds as it does with three.
//
// Run by tests/it/api/crowd.rs, which says where everything is. How many frames there were is told and not judged: that is the machine's.

import assert from 'node:assert/strict'
import { arrived, calm, DESKTOP, open, PHONE, step, visitor } from './lib.mjs'

const { ATRARIUM, REFRESH, NOW, LAST } = process.env
const total = Number(process.env.TOTAL)
const members = `${ATRARIUM}/communities/main/members`

/** More than a window is high, and far fewer than there are. */
const DRAWN = 60

/** What is told over the table, when it is told. */
const told = (page, text) => page.getByRole('main').getByRole('status').filter({ hasText: new RegExp(`^${text}$`) }).waitFor()
const ALL = `${total.toLocaleString('en')} members`

const drawn = (page) => page.getByRole('rowheader').count()

/** Turns the wheel once a frame until the page's end; tells how long frames took, and how many rows there were at most. */
function scroll(page, px) {
  return page.evaluate(
    ([px]) =>
      new Promise((resolve) => {
        const frames = []
        let most = 0
        let before = performance.now()
        const frame = (now) => {
          frames.push(now - before)
          before = now
          most = Math.max(most, document.querySelectorAll('tbody th').length)
          const root = document.documentElement
          if (root.scrollTop + root.clientHeight >= root.scrollHeight - 1 || frames.length > 5_000) return resolve({ frames, most })
          scrollBy(0, px)
          requestAnimationFrame(frame)
        }
        requestAnimationFrame(frame)
      }),
    [px],
  )
}

async function walk(page, what) {
  await step(`${what}: all are there, and few are drawn`, page, async () => {
    await page.goto(members)
    await told(page, ALL)
    assert.equal(await page.getByRole('table').getAttribute('aria-rowcount'), String(total + 1))
    const rows = await drawn(page)
    assert.ok(rows > 5 && rows < DRAWN, `${rows} rows are drawn`)
    // Their number grows while they come in.
    await arrived(page)
    await calm(page, `${what}: a large table`)
  })
  await step(`${what}: it scrolls to the last of them`, page, async () => {
    const { frames, most } = await scroll(page, 1_200)
    frames.sort((one, other) => one - other)
    const at = (part) => frames[Math.floor(frames.length * part)].toFixed(1)
    console.log(`  ${frames.length} frames: p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, longest ${at(0.9999)} ms; at most ${most} rows`)
    assert.ok(most < DRAWN, `${most} rows were drawn at a time`)
    await page.locator(`tr[aria-rowindex="${total + 1}"]`).waitFor()
    assert.ok(await page.locator(`tr[aria-rowindex="${total + 1}"]`).isVisible())
    await calm(page, `${what}: the end of a large table`)
  })
  await step(`${what}: one of them is found`, page, async () => {
    await page.getByLabel('Find somebody').fill(LAST)
    await told(page, `1 of ${ALL}`)
    await page.locator(`tr[data-did="${LAST}"]`).waitFor()
    assert.equal(await drawn(page), 1)
    await page.getByLabel('Find somebody').fill('')
    await told(page, ALL)
  })
}

const browser = await open()
try {
  const first = await visitor(browser)
  await first.clock.setSystemTime(Number(NOW))
  await first.goto(`${ATRARIUM}/sign-in`)
  const status = await first.evaluate(async (refreshToken) => {
    const headers = { 'content-type': 'application/json' }
    return (await fetch('/api/auth/refresh', { method: 'POST', headers, body: JSON.stringify({ refreshToken }) })).status
  }, REFRESH)
  assert.equal(status, 200, 'nobody is signed in')
  const { cookies } = await first.context().storageState()
  for (const [what, size] of Object.entries({ 'on a desk': DESKTOP, 'in a hand': PHONE })) {
    const page = await visitor(browser, { size })
    await page.clock.setSystemTime(Number(NOW))
    await page.context().addCookies(cookies)
    await walk(page, what)
    await page.end()
  }
  await step('all are sorted by a press, whichever way', first, async () => {
    await first.goto(members)
    await told(first, ALL)
    const since = first.getByRole('button', { name: /^Since/ })
    const top = (way) => first.locator('th', { has: since }).and(first.locator(`[aria-sort=${way}]`)).waitFor()
    const names = async () => await first.locator('tr[data-did]').evaluateAll((rows) => rows.map((row) => row.dataset.did))
    await since.click()
    await top('descending')
    assert.ok(!(await names()).includes(LAST), 'who came last is far below')
    await since.click()
    await top('ascending')
    assert.equal((await names())[0], LAST, 'who has been here for longest')
  })
} finally {
  await browser.close()
}

// Every page, light and dark, on a desk and in a hand: calm, usable by everybody, no wider than the window; and a picture of it.

import fs from 'node:fs'
import path from 'node:path'
import { calm, DESKTOP, fits, PHONE, step, visitor } from './lib.mjs'

/** Waits until nothing is being loaded any more. */
export async function settled(page) {
  await page.waitForLoadState('networkidle')
  await page.waitForFunction(() => document.querySelector('.animate-pulse, .animate-spin') === null)
}

/** `pages` are names with paths; `state` is somebody's cookies. */
export async function pictures(browser, { state, origin, pages, folder, language }) {
  fs.mkdirSync(folder, { recursive: true })
  for (const theme of ['light', 'dark']) {
    for (const [name, size] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
      const page = await visitor(browser, { theme, size, language })
      if (state) await page.context().addCookies(state.cookies)
      for (const [called, at] of Object.entries(pages)) {
        await step(`${called}, ${theme}, ${name}`, page, async () => {
          await page.goto(origin + at)
          await settled(page)
          // That there is nothing is an answer of the program's, which the browser notes as an error.
          await calm(page, called, { but: called === 'missing' ? [/404/] : [] })
          await fits(page, called)
          const { height } = await page.evaluate(() => ({ height: document.documentElement.scrollHeight }))
          const clip = { x: 0, y: 0, width: size.width, height: Math.min(Math.max(height, size.height), 2 * size.height) }
          await page.screenshot({ path: path.join(folder, `${called}-${theme}-${name}.png`), fullPage: true, clip })
        })
      }
      await page.end()
    }
  }
}

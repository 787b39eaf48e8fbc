// Every page, for everybody: light and dark, large and small, in both languages.

import path from 'node:path'
import { calm, PHONE, step, visitor } from '../lib.mjs'
import { ATRARIUM, PICTURES, posts } from '../people.mjs'
import { pictures, settled } from '../pictures.mjs'

export async function looking(town) {
  const { browser, people, pages } = town
  const community = `/communities/${town.id}`
  const folder = path.join(PICTURES, 'screenshots')
  const state = (name) => pages[name].context().storageState()
  const why = `${community}/why?post=${encodeURIComponent(town.hawk)}`
  await pictures(browser, { origin: ATRARIUM, folder, pages: { 'sign-in': '/sign-in' } })
  await pictures(browser, {
    state: await state('olga'),
    origin: ATRARIUM,
    folder,
    pages: {
      communities: '/',
      new: '/communities/new',
      posts: `${community}?hidden=true`,
      about: `${community}/about`,
      members: `${community}/members`,
      moderation: `${community}/moderation`,
      mix: `${community}/mix`,
      settings: `${community}/settings`,
      why,
      sessions: '/account',
      missing: '/communities/nowhere',
    },
  })
  // A network in which nobody says anything for two minutes is taken for dead.
  await posts(people.ann, `good night ${town.hashtag}`)
  await pictures(browser, { state: await state('oscar'), origin: ATRARIUM, folder, pages: { operator: '/operator' } })

  const page = await visitor(browser, { language: 'ja', size: PHONE })
  await page.context().addCookies((await state('olga')).cookies)
  const inJapanese = { communities: '/', posts: `${community}?hidden=true`, about: `${community}/about`, mix: `${community}/mix`, why, sessions: '/account' }
  for (const [name, at] of Object.entries(inJapanese)) {
    await step(`in Japanese: ${name}`, page, async () => {
      await page.goto(ATRARIUM + at)
      await settled(page)
      await page.locator('html[lang=ja]').waitFor()
      await calm(page, name)
      await page.screenshot({ path: path.join(folder, `${name}-japanese-phone.png`), fullPage: true })
    })
  }
  await step('the language and the colours are changed in the menu, and stay', page, async () => {
    await page.goto(ATRARIUM)
    await page.getByRole('button', { name: /^メニュー/ }).click()
    await page.getByRole('menuitemradio', { name: 'English' }).click()
    await page.getByRole('heading', { name: 'Communities', level: 1, exact: true }).waitFor()
    await page.getByRole('button', { name: /^Menu/ }).click()
    await page.getByRole('menuitemradio', { name: 'Dark' }).click()
    await page.locator('html[data-theme=dark]').waitFor()
    await page.reload()
    await page.getByRole('heading', { name: 'Communities', level: 1, exact: true }).waitFor()
    await page.locator('html[data-theme=dark][lang=en]').waitFor()
  })
  await page.end()
}

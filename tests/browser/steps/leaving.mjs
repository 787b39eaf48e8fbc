// Leaving, ending sessions, closing a community.

import assert from 'node:assert/strict'
import { calm, step, visitor } from '../lib.mjs'
import { appPassword, ATRARIUM, byPassword } from '../people.mjs'

export async function leaving(town) {
  const { browser, people, pages } = town
  const { olga, mia, ann } = pages
  const at = (rest = '') => `${ATRARIUM}/communities/${town.id}${rest}`

  await step('a member leaves, and takes the posts along', mia, async () => {
    await ann.goto(at())
    await ann.getByText('an emperor moth').waitFor()
    await mia.goto(at())
    await mia.getByRole('button', { name: 'Leave' }).click()
    await mia.getByRole('dialog').getByRole('button', { name: 'Leave' }).click()
    await mia.getByText('You are not a member', { exact: true }).waitFor()
    await ann.getByText('an emperor moth').waitFor({ state: 'detached' })
  })

  await step('one session is ended from another', mia, async () => {
    const other = await visitor(browser)
    await byPassword(other, people.mia, await appPassword(people.mia))
    await mia.goto(`${ATRARIUM}/account`)
    await mia.getByText('This session').waitFor()
    await mia.getByRole('button', { name: /^End the session/ }).first().click()
    await mia.getByText('The session is ended').first().waitFor()
    await calm(mia, 'the sessions')
    await other.goto(`${ATRARIUM}/account`)
    await other.getByLabel('Your handle').waitFor()
    await other.end()
  })

  await step('and all of them', ann, async () => {
    await ann.goto(`${ATRARIUM}/account`)
    await ann.getByRole('button', { name: 'Sign out everywhere' }).click()
    await calm(ann, 'the question before signing out everywhere')
    await ann.getByRole('dialog').getByRole('button', { name: 'Sign out everywhere' }).click()
    await ann.getByLabel('Your handle').waitFor()
    await calm(ann, 'signed out')
    const cookies = await ann.context().cookies()
    assert.ok(!cookies.some(({ name, value }) => name.startsWith('atrarium_') && value), JSON.stringify(cookies))
  })

  await step('signing out is in the menu', mia, async () => {
    await mia.getByRole('button', { name: /^Menu/ }).click()
    await mia.getByRole('menuitem', { name: 'Sign out' }).click()
    await mia.getByLabel('Your handle').waitFor()
  })

  await step('a community is closed by who types its name', olga, async () => {
    await olga.goto(at('/settings'))
    await olga.getByRole('button', { name: 'Close the community…' }).click()
    const dialog = olga.getByRole('dialog')
    const close = dialog.getByRole('button', { name: 'Close it for good' })
    await calm(olga, 'the question before closing')
    await dialog.getByLabel('Name of the community').fill('Night moths 🦋')
    await close.click()
    await olga.waitForURL(`${ATRARIUM}/`)
    await olga.getByText('“Night moths 🦋” is closed').first().waitFor()
    await olga.goto(at())
    await olga.getByText('There is nothing here').waitFor()
  })
}

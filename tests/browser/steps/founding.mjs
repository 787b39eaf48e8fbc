// Signing in, founding a community, changing it.

import assert from 'node:assert/strict'
import { calm, fits, step } from '../lib.mjs'
import { appPassword, atOwnServer, ATRARIUM, byPassword, oauth } from '../people.mjs'

export async function founding(town) {
  const { people, pages } = town
  const { olga, mia, ann } = pages

  await step('a stranger is told what this is, and comes back to where they wanted to go', olga, async () => {
    await olga.goto(`${ATRARIUM}/account`)
    await olga.getByRole('heading', { level: 1 }).waitFor()
    assert.match(olga.url(), /\/sign-in\?return=/)
    await calm(olga, 'sign-in')
    await fits(olga, 'sign-in')
    await olga.getByRole('button', { name: 'Sign in', exact: true }).last().click()
    await olga.getByText('Enter your handle.').waitFor()
    await olga.getByLabel('Your handle').fill(`@${people.olga.handle}`)
    await olga.keyboard.press('Enter')
    await atOwnServer(olga)
    await olga.getByRole('heading', { name: 'Sessions', level: 1 }).waitFor()
    assert.match(olga.url(), /\/account$/)
  })

  await step('an app password is behind a link; a wrong one is told as such', mia, async () => {
    await byPassword(mia, people.mia, 'aaaa-bbbb-cccc-dddd', { fails: true })
    await mia.getByRole('alert').getByText('Your server doesn’t take this handle').waitFor()
    mia.said.length = 0
    await byPassword(mia, people.mia, await appPassword(people.mia))
    await calm(mia, 'the communities, of which there are none of mine')
  })
  await step('others sign in', ann, async () => {
    await oauth(ann, people.ann)
    await oauth(pages.oscar, people.oscar)
  })

  await step('a community is founded, with its proportions before one’s eyes', olga, async () => {
    await olga.goto(`${ATRARIUM}/`)
    await olga.getByRole('link', { name: 'New community' }).first().click()
    await olga.getByRole('heading', { name: 'New community', level: 1 }).waitFor()
    await calm(olga, 'a new community')
    await olga.getByRole('button', { name: 'Create the community' }).click()
    await olga.getByText('Give the community a name.').waitFor()
    await olga.getByRole('textbox', { name: 'Name', exact: true }).fill('Night moths')
    await olga.getByLabel('Description').fill('For everybody who looks at lamps.\nBring a lens.')
    // By the keyboard: 20 % of the feed are everybody's.
    const global = olga.getByRole('slider', { name: 'All communities' })
    await global.focus()
    for (let n = 0; n < 20; n++) await olga.keyboard.press('ArrowRight')
    assert.equal(await olga.getByRole('slider', { name: 'Own posts' }).inputValue(), '80')
    assert.ok(await olga.getByRole('slider', { name: 'Parent' }).isDisabled())
    await calm(olga, 'a new community, filled in')
    await olga.getByRole('button', { name: 'Create the community' }).click()
    await olga.getByRole('heading', { name: 'Night moths', level: 1 }).waitFor()
    town.id = new URL(olga.url()).pathname.split('/').pop()
    town.hashtag = (await olga.getByText(/^#atrarium_[0-9a-f]{8}$/).first().textContent()).trim()
    await olga.getByText('No posts in the past week').waitFor()
    await calm(olga, 'a community without posts')
  })

  await step('it is changed, and nothing is lost by leaving too early', olga, async () => {
    await olga.getByRole('link', { name: 'Settings' }).click()
    const name = olga.getByRole('textbox', { name: 'Name', exact: true })
    await name.waitFor()
    await name.fill('Night moths 🦋')
    await olga.getByRole('link', { name: 'About' }).click()
    await olga.getByRole('dialog', { name: 'Leave without saving?' }).getByRole('button', { name: 'Stay here' }).click()
    await olga.getByRole('button', { name: 'Save' }).click()
    await olga.getByRole('heading', { name: 'Night moths 🦋', level: 1 }).waitFor()
    await calm(olga, 'the settings')
  })

  await step('another one grows out of it', olga, async () => {
    await olga.goto(`${ATRARIUM}/communities/new`)
    await olga.getByRole('textbox', { name: 'Name', exact: true }).fill('Hawk moths')
    await olga.getByRole('button', { name: 'Choose a parent' }).click()
    await olga.getByRole('dialog').getByRole('button', { name: /Night moths/ }).last().click()
    await olga.getByRole('slider', { name: 'Parent' }).fill('30')
    await olga.getByRole('button', { name: 'Create the community' }).click()
    await olga.getByRole('heading', { name: 'Hawk moths', level: 1 }).waitFor()
    town.child = new URL(olga.url()).pathname.split('/').pop()
    await olga.getByRole('link', { name: 'About' }).click()
    await olga.getByRole('main').getByRole('link', { name: /Night moths/ }).click()
    await olga.getByRole('heading', { name: 'Night moths 🦋', level: 1 }).waitFor()
  })
}

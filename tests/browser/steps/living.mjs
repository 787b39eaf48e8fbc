// Joining, posting, finding; what comes in by itself, and a connection that is lost and heals.

import assert from 'node:assert/strict'
import { arrived, becomes, calm, card, fits, step } from '../lib.mjs'
import { ATRARIUM, link, posts } from '../people.mjs'
import { wire } from '../switch.mjs'

export async function living(town) {
  const { people, pages } = town
  const { olga, mia, ann } = pages
  const at = (rest = '') => `${ATRARIUM}/communities/${town.id}${rest}`

  await step('a community is found by a part of its name, and joined', ann, async () => {
    await ann.goto(`${ATRARIUM}/`)
    await ann.getByLabel('Name', { exact: true }).fill('night')
    await ann.waitForURL(/q=night/)
    await ann.getByLabel('Stage').selectOption('graduated')
    await ann.getByText('No community fits').waitFor()
    await ann.goBack()
    await ann.getByRole('list', { name: 'Find communities' }).getByRole('link', { name: 'Night moths 🦋' }).last().click()
    await ann.getByRole('heading', { name: 'Night moths 🦋', level: 1 }).waitFor()
    // What is found changes with what is sought.
    await arrived(ann)
    await calm(ann, 'a community of which one is no member')
    assert.equal(await ann.getByRole('link', { name: 'Settings' }).count(), 0)
    await ann.getByRole('button', { name: 'Join' }).click()
    const dialog = ann.getByRole('dialog', { name: /^Join Night moths/ })
    await dialog.getByText(/public/).first().waitFor()
    await calm(ann, 'the question before joining')
    await dialog.getByRole('button', { name: 'Join' }).click()
    await ann.getByText('You are a member', { exact: true }).waitFor()
  })
  await step('another joins by the keyboard alone', mia, async () => {
    await mia.goto(at())
    const join = mia.getByRole('button', { name: 'Join' })
    await join.waitFor()
    for (let n = 0; n < 40 && !(await join.evaluate((button) => button === document.activeElement)); n++) await mia.keyboard.press('Tab')
    await mia.keyboard.press('Enter')
    await mia.getByRole('dialog').waitFor()
    const confirm = mia.getByRole('dialog').getByRole('button', { name: 'Join' })
    for (let n = 0; n < 10 && !(await confirm.evaluate((button) => button === document.activeElement)); n++) await mia.keyboard.press('Tab')
    await mia.keyboard.press('Enter')
    await mia.getByText('You are a member', { exact: true }).waitFor()
    // The focus is back where it came from, or on the page at least, and no button is behind a dialog.
    assert.equal(await mia.getByRole('dialog').count(), 0)
  })

  await step('a post is there without a reload, with what it says', olga, async () => {
    await olga.goto(at())
    await olga.getByText('No posts in the past week').waitFor()
    town.hawk = await posts(people.ann, `a hawk moth at my window\nthe size of a hand ${town.hashtag}`)
    await card(olga, 'a hawk moth at my window').waitFor()
    await card(olga, 'a hawk moth').getByText(`@${people.ann.handle}`).first().waitFor()
    town.lamps = await posts(people.mia, `buy my lamps ${town.hashtag}`)
    await card(olga, 'buy my lamps').waitFor()
    await posts(people.oscar, `a stranger's moth ${town.hashtag}`)
    await arrived(olga)
    await calm(olga, 'the posts')
    await fits(olga, 'the posts')
  })

  await step('the feed’s address is copied, and leads into the app', olga, async () => {
    const uri = `at://${people.olga.did}/app.bsky.feed.generator/`
    await olga.getByRole('button', { name: /Copy the feed’s address/ }).click()
    assert.ok((await olga.evaluate(() => navigator.clipboard.readText())).startsWith(uri))
    const open = olga.getByRole('link', { name: 'Open in Bluesky' }).first()
    assert.match(await open.getAttribute('href'), new RegExp(`^https://bsky.app/profile/${people.olga.did}/feed/`))
  })

  await step('what was missed while the connection was lost is there when it is back', ann, async () => {
    const way = await wire(ATRARIUM)
    await ann.goto(`${way.url}/communities/${town.id}`)
    await card(ann, 'buy my lamps').waitFor()
    await ann.getByText('Live', { exact: true }).waitFor()
    way.cut()
    await ann.getByText('The connection is lost. Trying again…').waitFor()
    town.emperor = await posts(people.mia, `an emperor moth ${town.hashtag}`)
    await card(olga, 'an emperor moth').waitFor()
    // It was written later than the stranger's, so that one would be here.
    assert.equal(await card(olga, 'stranger').count(), 0)
    assert.equal(await card(ann, 'an emperor moth').count(), 0)
    way.mend()
    await card(ann, 'an emperor moth').waitFor()
    await ann.getByText('Live', { exact: true }).waitFor()
    // A connection that is refused is an error of the network, and the browser says so.
    ann.said.length = 0
    await ann.goto(at())
    await arrived(olga)
    way.end()
  })

  await step('the week is drawn, and told to ears', olga, async () => {
    await olga.getByRole('link', { name: 'About' }).click()
    await olga.getByRole('heading', { name: 'About this community' }).waitFor()
    await olga.getByText('The same as a table').click()
    const table = olga.getByRole('table')
    await table.waitFor()
    assert.match((await table.innerText()).replaceAll(/\s+/g, ' '), / 3 2 ?$/)
    await olga.getByRole('main').getByRole('link', { name: /Hawk moths/ }).waitFor()
    // Looked up behind the first answer.
    await olga.getByRole('main').getByRole('link', { name: `@${people.olga.handle}` }).waitFor()
    await arrived(olga)
    await calm(olga, 'about the community')
  })

  await step('why a post is here, or isn’t', ann, async () => {
    await card(ann, 'a hawk moth').getByRole('link', { name: 'Why is it here?' }).click()
    await ann.getByText('It is in the feed', { exact: true }).waitFor()
    await calm(ann, 'an explanation')
    const stranger = await posts(people.oscar, `one more stranger ${town.hashtag}`)
    await ann.getByLabel('Link to the post').fill(link(people.oscar, stranger))
    await ann.getByRole('button', { name: 'Explain' }).click()
    await ann.getByText('It is not in the feed', { exact: true }).waitFor()
    const clause = card(ann, 'Its author is a member')
    await clause.getByText('No', { exact: true }).waitFor()
    await ann.goBack()
    await ann.getByText('It is in the feed', { exact: true }).waitFor()
  })

  await step('members are sorted, sought, and made moderators', olga, async () => {
    await olga.getByRole('link', { name: 'Members' }).click()
    const rows = olga.getByRole('table').getByRole('row')
    await olga.getByRole('row', { name: /ann\.test/ }).waitFor()
    // A handle is looked up behind the first answer, and is a little wider or narrower than the DID.
    await olga.getByRole('row', { name: /olga\.test/ }).waitFor()
    await arrived(olga)
    assert.equal(await rows.count(), 4)
    const names = async () => (await olga.getByRole('table').getByRole('rowheader').allInnerTexts()).map((text) => text.match(/[a-z]+\.test/)?.[0])
    await olga.getByRole('button', { name: /^Who/ }).click()
    await becomes(names, ['ann.test', 'mia.test', 'olga.test'])
    await olga.getByRole('button', { name: /^Who/ }).click()
    await becomes(names, ['olga.test', 'mia.test', 'ann.test'])
    await olga.getByLabel('Find somebody').fill('MIA')
    await olga.getByRole('row', { name: /ann\.test/ }).waitFor({ state: 'detached' })
    await becomes(names, ['mia.test'])
    await olga.getByRole('button', { name: 'What to do with @mia.test' }).click()
    await olga.getByRole('menuitem', { name: 'Make a moderator…' }).click()
    await calm(olga, 'the question before somebody becomes a moderator')
    await olga.getByRole('dialog').getByRole('button', { name: 'Make a moderator' }).click()
    await olga.getByText('is a moderator now.').first().waitFor()
    await olga.getByRole('row', { name: /mia\.test.*Moderator/ }).waitFor()
    await olga.getByLabel('Find somebody').fill('')
    await becomes(names, ['olga.test', 'mia.test', 'ann.test'])
    await olga.getByLabel('Role').selectOption('moderator')
    await becomes(names, ['mia.test'])
    await calm(olga, 'the members')
  })
}

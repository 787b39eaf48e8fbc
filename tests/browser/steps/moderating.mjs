// Hiding and blocking from the list of posts, the log of it, and taking it back.

import assert from 'node:assert/strict'
import { arrived, calm, card, fits, step } from '../lib.mjs'
import { ATRARIUM, link, posts } from '../people.mjs'

export async function moderating(town) {
  const { people, pages } = town
  const { olga, mia, ann } = pages
  const at = (rest = '') => `${ATRARIUM}/communities/${town.id}${rest}`

  /** Opens the menu of a post, and chooses. */
  const choose = async (page, text, what) => {
    await card(page, text).getByRole('button', { name: /^Moderate/ }).click()
    await page.getByRole('menuitem', { name: what }).click()
  }

  await step('the owner hides a post, warned that this is public', olga, async () => {
    await ann.goto(at())
    await card(ann, 'buy my lamps').waitFor()
    await olga.goto(at())
    await choose(olga, 'buy my lamps', 'Hide post')
    const dialog = olga.getByRole('dialog', { name: 'Hide this post?' })
    await dialog.getByText('This becomes public').waitFor()
    await calm(olga, 'the question before hiding')
    await dialog.getByLabel('Reason (optional)').fill('x'.repeat(301))
    await dialog.getByRole('button', { name: 'Hide post' }).click()
    await dialog.getByText(/too long/).waitFor()
    await dialog.getByLabel('Reason (optional)').fill('Lamps, and no moth on any of them')
    await dialog.getByRole('button', { name: 'Hide post' }).click()
    await dialog.waitFor({ state: 'detached' })
    // It is gone for everybody, without a reload.
    await card(olga, 'buy my lamps').waitFor({ state: 'detached' })
    await card(ann, 'buy my lamps').waitFor({ state: 'detached' })
    await olga.getByLabel('Also show what the feed doesn’t').check()
    await card(olga, 'buy my lamps').getByText('Hidden by moderation').waitFor()
    await arrived(olga)
    await calm(olga, 'the posts with those that are hidden')
  })

  await step('a member reads the log, and can’t act', ann, async () => {
    await ann.getByRole('link', { name: 'Moderation' }).click()
    const entry = card(ann, 'Lamps, and no moth on any of them')
    await entry.getByText('Counts now').waitFor()
    assert.equal(await ann.getByRole('button', { name: /^Undo/ }).count(), 0)
    assert.equal(await ann.getByRole('button', { name: 'Moderate something else' }).count(), 0)
    await arrived(ann)
    await calm(ann, 'the log, for a member')
    await ann.goto(at())
    assert.equal(await ann.getByRole('button', { name: /^Moderate/ }).count(), 0)
  })

  await step('a moderator blocks somebody, who is gone with all posts', mia, async () => {
    await posts(people.ann, `second thoughts about moths ${town.hashtag}`)
    await mia.goto(at())
    await choose(mia, 'second thoughts', 'Block author')
    await mia.getByRole('dialog', { name: /^Block/ }).getByRole('button', { name: 'Block author' }).click()
    await card(mia, 'second thoughts').waitFor({ state: 'detached' })
    await card(mia, 'a hawk moth').waitFor({ state: 'detached' })
    await ann.getByText('You are blocked here', { exact: true }).waitFor()
    await arrived(ann)
    await calm(ann, 'a community that has blocked one')
  })

  await step('what was done is taken back in the log', mia, async () => {
    await mia.getByRole('link', { name: 'Moderation' }).click()
    const entry = card(mia, 'you blocked')
    await arrived(mia)
    await entry.getByRole('button', { name: /^Undo/ }).click()
    await calm(mia, 'the question before undoing')
    await mia.getByRole('dialog').getByRole('button', { name: 'Undo' }).click()
    await entry.waitFor({ state: 'detached' })
    await ann.getByText('You are a member', { exact: true }).waitFor()
    await card(ann, 'a hawk moth').waitFor()
    await arrived(mia)
    await calm(mia, 'the log')
    await fits(mia, 'the log')
  })

  await step('what isn’t in the list is hidden by its link, and shown again', mia, async () => {
    await mia.getByRole('button', { name: 'Moderate something else' }).click()
    const dialog = mia.getByRole('dialog')
    await calm(mia, 'moderating something else')
    await dialog.getByLabel('Link to the post').fill(link(people.ann, town.hawk))
    await dialog.getByRole('button', { name: 'Hide post' }).click()
    await dialog.waitFor({ state: 'detached' })
    await card(ann, 'a hawk moth').waitFor({ state: 'detached' })
    await mia.goto(at('?hidden=true'))
    await choose(mia, 'a hawk moth', 'Show post again')
    await mia.getByRole('dialog').getByRole('button', { name: 'Show post again' }).click()
    await card(ann, 'a hawk moth').waitFor()
    await mia.getByRole('link', { name: 'Moderation' }).click()
    await card(mia, 'you hid').getByText('Replaced by a later action').waitFor()
  })

  await step('the owner can’t be blocked, and says so in words', mia, async () => {
    await mia.getByRole('button', { name: 'Moderate something else' }).click()
    const dialog = mia.getByRole('dialog')
    await dialog.getByLabel('What to do').selectOption('block_user')
    await dialog.getByLabel('Handle').fill(people.olga.handle)
    await dialog.getByRole('button', { name: 'Block author' }).click()
    await dialog.getByRole('alert').waitFor()
    mia.said.length = 0
    await mia.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
  })

  await step('a moderator is dismissed, and what they decided goes on to count', olga, async () => {
    await olga.goto(at('/members'))
    await olga.getByRole('button', { name: 'What to do with @mia.test' }).click()
    await olga.getByRole('menuitem', { name: 'Remove as moderator…' }).click()
    await calm(olga, 'the question before somebody is dismissed')
    await olga.getByRole('dialog').getByRole('button', { name: 'Remove as moderator', exact: true }).click()
    await olga.getByText('is no longer a moderator.').first().waitFor()
    await olga.goto(at('/moderation'))
    await card(olga, 'Taken over by the owner').getByText('Counts now').waitFor()
  })
}

// A mix of one's own: uploaded, refused, previewed, activated, taken back.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import { arrived, calm, fits, step } from '../lib.mjs'
import { ATRARIUM, MIX, posts } from '../people.mjs'

/** Drops a file where files can be dropped. */
async function drop(page, name, bytes) {
  const transfer = await page.evaluateHandle(
    ([name, data]) => {
      const transfer = new DataTransfer()
      const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0))
      transfer.items.add(new File([bytes], name, { type: 'application/wasm' }))
      return transfer
    },
    [name, bytes.toString('base64')],
  )
  // What it says changes while something is held over it.
  const place = await page.getByText('Drop your mix here').elementHandle()
  for (const event of ['dragenter', 'dragover', 'drop']) await place.dispatchEvent(event, { dataTransfer: transfer })
}

export async function mixing(town) {
  const { people, pages } = town
  const { olga, ann } = pages
  const at = (rest = '') => `${ATRARIUM}/communities/${town.id}${rest}`

  /** The feed's first page, as the AppView gets it. */
  const skeleton = async () => {
    const feed = await olga.evaluate(async (id) => (await (await fetch(`/api/communities/${id}`)).json()).feed, town.id)
    const page = await fetch(`${ATRARIUM}/xrpc/app.bsky.feed.getFeedSkeleton?limit=50&feed=${encodeURIComponent(feed)}`)
    return (await page.json()).feed.map(({ post }) => post)
  }

  await step('a file that is no mix is refused in a sentence', olga, async () => {
    await olga.goto(at('/mix'))
    await olga.getByText('The default mix makes the feed.').first().waitFor()
    await calm(olga, 'the feed mix, without versions')
    await drop(olga, 'holiday.jpg', Buffer.from('no component'))
    await olga.getByText(/is not a WebAssembly file/).waitFor()
    // A core module, which is no component.
    await olga.locator('input[type=file]').setInputFiles({ name: 'core.wasm', mimeType: 'application/wasm', buffer: Buffer.from('0061736d01000000', 'hex') })
    await olga.getByRole('main').getByText('This file can’t make a feed').waitFor()
    await olga.getByText(/core module/).first().waitFor()
    // The browser notes the refusal.
    olga.said.length = 0
    await arrived(olga)
  })

  await step('a mix is dropped, looked at, and ready', olga, async () => {
    await olga.goto(at('/mix'))
    await drop(olga, 'backwards.wasm', fs.readFileSync(MIX))
    await olga.getByText(/^Version \d+ is ready\.$/).waitFor()
    await arrived(olga)
    await calm(olga, 'an uploaded mix')
    await fits(olga, 'an uploaded mix')
  })

  await step('it is seen beside what is shown now, and activated', olga, async () => {
    for (const text of ['one more moth', 'and one more']) await posts(people.ann, `${text} ${town.hashtag}`)
    await olga.getByRole('link', { name: 'Preview' }).first().click()
    await olga.getByRole('heading', { name: /in preview/ }).waitFor()
    await olga.getByRole('button', { name: 'Refresh' }).click()
    await olga.getByText(/up \d+ places|up one place/).first().waitFor()
    await calm(olga, 'a preview')
    await fits(olga, 'a preview')
    await olga.getByRole('button', { name: /^Activate version/ }).first().click()
    await olga.getByText(/makes the feed from the next page on/).first().waitFor()
    assert.equal((await skeleton())[0], town.hawk, 'the oldest comes first')
  })

  await step('back, and back again', olga, async () => {
    await olga.goto(at('/mix'))
    await olga.getByText(/^Version \d+ makes the feed\.$/).waitFor()
    await olga.getByRole('button', { name: 'Back to the default mix' }).first().click()
    await olga.getByText('The default mix makes the feed.').first().waitFor()
    assert.notEqual((await skeleton())[0], town.hawk)
    await olga.getByRole('button', { name: /^Roll back to version/ }).click()
    await olga.getByText(/^Version \d+ makes the feed\.$/).waitFor()
    assert.equal((await skeleton())[0], town.hawk)
    await arrived(olga)
    await calm(olga, 'the feed mix with its log')
  })

  await step('nobody else sees this page', ann, async () => {
    await ann.goto(at('/mix'))
    await ann.getByText('This page is for the owner').waitFor()
    await calm(ann, 'the feed mix, for a member')
  })
}

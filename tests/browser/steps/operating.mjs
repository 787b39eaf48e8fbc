// What an operator sees and does.

import assert from 'node:assert/strict'
import { arrived, calm, fits, step } from '../lib.mjs'
import { ATRARIUM } from '../people.mjs'

export async function operating(town) {
  const { pages } = town
  const { oscar, ann } = pages

  await step('nobody else finds the operator’s page', ann, async () => {
    await ann.goto(`${ATRARIUM}/operator`)
    await ann.getByText('There is nothing here').waitFor()
    assert.equal(await ann.getByRole('link', { name: 'Operator' }).count(), 0)
    await calm(ann, 'a page that isn’t there')
  })

  await step('the host’s health, what keeps it busy, and what it could not deliver', oscar, async () => {
    await oscar.goto(ATRARIUM)
    await oscar.getByRole('link', { name: 'Operator' }).first().click()
    await oscar.getByRole('heading', { name: 'Operator', level: 1 }).waitFor()
    await oscar.getByText('Behind the firehose').waitFor()
    await oscar.getByRole('table').getByRole('row', { name: /Night moths/ }).waitFor()
    // The trapping component's config is tried three times before it is set aside.
    await oscar.getByText('The community’s settings').first().waitFor()
    await arrived(oscar)
    await calm(oscar, 'the operator’s page')
    await fits(oscar, 'the operator’s page')
    const letters = oscar.getByRole('button', { name: /^Drop:/ })
    const before = await letters.count()
    await letters.first().click()
    await calm(oscar, 'the question before dropping')
    await oscar.getByRole('dialog').getByRole('button', { name: 'Drop it' }).click()
    await oscar.getByText('It was dropped.').first().waitFor()
    await oscar.waitForFunction((before) => document.querySelectorAll('button[aria-label^="Drop:"]').length < before, before)
    if (before > 1) {
      await oscar.getByRole('button', { name: /^Try again:/ }).first().click()
      await oscar.getByText(/is being tried again/).first().waitFor()
    }
    await oscar.getByLabel('DID or address').fill('203.0.113.7')
    await oscar.getByLabel('DID or address').press('Enter')
    await oscar.getByText(/203\.0\.113\.7/).first().waitFor()
  })
}

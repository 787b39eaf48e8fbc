// What people do in the dashboard, one after the other, as they would: Olga founds a community, Ann joins and posts, Mia moderates, Oscar runs
// the host. Each page that is opened must be calm (lib.mjs).
//
// Run by tests/it/real_peers/browser.rs, which says where everything is.

import { open, visitor } from './lib.mjs'
import { person } from './people.mjs'
import { founding } from './steps/founding.mjs'
import { living } from './steps/living.mjs'
import { mixing } from './steps/mixing.mjs'
import { operating } from './steps/operating.mjs'
import { moderating } from './steps/moderating.mjs'
import { leaving } from './steps/leaving.mjs'
import { looking } from './steps/looking.mjs'

const browser = await open()
try {
  const people = { olga: person('OLGA'), mia: person('MIA'), ann: person('ANN'), oscar: person('OSCAR') }
  const pages = {}
  for (const name of Object.keys(people)) pages[name] = await visitor(browser)
  // Each part goes on with what the one before has made.
  const town = { browser, people, pages }
  for (const part of [founding, living, moderating, mixing, operating, looking, leaving]) await part(town)
} finally {
  await browser.close()
}

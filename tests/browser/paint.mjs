// How soon the largest thing on each page is painted, with a processor that is four times slower, and what is loaded for it. It reports, and judges
// nothing: what a machine does by itself comes and goes.
//
//   make paint          or, with everything built: node tests/browser/paint.mjs

import { spawn } from 'node:child_process'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { open, visitor } from './lib.mjs'

const SLOWER = 4
const ROUNDS = 3

const network = path.join(path.dirname(fileURLToPath(import.meta.url)), '../peers/network.mjs')
const child = spawn('node', [network], { stdio: ['ignore', 'pipe', 'inherit'] })
const url = await new Promise((resolve, reject) => {
  let found
  createInterface({ input: child.stdout }).on('line', (line) => {
    found ??= line.match(/Atrarium +(http:\/\/localhost:\d+)/)?.[1]
    // The story is over: there is something to look at.
    if (line.startsWith('That was the story')) resolve(found.replace('localhost', '127.0.0.1'))
  })
  child.on('exit', () => reject(new Error('the network has ended by itself')))
})
const browser = await open()
try {
  process.env.ATRARIUM = url
  process.env.PASSWORD = 'correct horse'
  const { oauth } = await import('./people.mjs')
  const first = await visitor(browser)
  await oauth(first, { handle: 'olga.test' })
  const { cookies } = await first.context().storageState()
  const pages = { 'sign-in': '/sign-in', communities: '/', posts: '/communities/moths', about: '/communities/moths/about', members: '/communities/moths/members', mix: '/communities/moths/mix' }
  console.log(`\nthe largest paint, ${SLOWER} times slower, p50 of ${ROUNDS}          JavaScript that was loaded for it`)
  for (const [name, at] of Object.entries(pages)) {
    const times = []
    let script = 0
    for (let round = 0; round < ROUNDS; round++) {
      // With nothing in any cache.
      const page = await visitor(browser)
      if (name !== 'sign-in') await page.context().addCookies(cookies)
      const devtools = await page.context().newCDPSession(page)
      await devtools.send('Emulation.setCPUThrottlingRate', { rate: SLOWER })
      await page.goto(url + at)
      await page.waitForLoadState('networkidle')
      const seen = await page.evaluate(
        () =>
          new Promise((resolve) => {
            const scripts = performance.getEntriesByType('resource').filter(({ initiatorType, name }) => initiatorType === 'script' || name.endsWith('.js'))
            const script = scripts.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0)
            new PerformanceObserver((list) => resolve({ paint: list.getEntries().at(-1).startTime, script })).observe({ type: 'largest-contentful-paint', buffered: true })
          }),
      )
      times.push(seen.paint)
      script = seen.script
      await page.end()
    }
    times.sort((one, other) => one - other)
    console.log(`  ${name.padEnd(14)} ${(times[Math.floor(ROUNDS / 2)] / 1000).toFixed(2)} s (must 1.5 s)          ${(script / 1000).toFixed(1)} kB (must 200 kB)`)
  }
} finally {
  await browser.close()
  child.kill('SIGTERM')
}

// What is loaded for a page that is opened first, compressed as the program serves it, and whether it is within its bound for each: 200 kB of JavaScript.
import fs from 'node:fs'
import path from 'node:path'

const dist = 'dist/app'
const most = 200_000
const parts = JSON.parse(fs.readFileSync(path.join(dist, '.vite/manifest.json'), 'utf8'))
// It is ours, and would be served.
fs.rmSync(path.join(dist, '.vite'), { recursive: true })

function size(file) {
  const compressed = path.join(dist, `${file}.br`)
  return fs.statSync(fs.existsSync(compressed) ? compressed : path.join(dist, file)).size
}

/** The files of these parts, and of all that they import. */
function files(names, found = new Set()) {
  for (const name of names) {
    const { file, imports } = parts[name]
    if (found.has(file)) continue
    found.add(file)
    files(imports ?? [], found)
  }
  return found
}

/** The areas of words that a route's loader asks for. */
function words(route) {
  const asked = fs.readFileSync(route, 'utf8').match(/\bwords\(([^)]*)\)/)?.[1] ?? ''
  return [...asked.matchAll(/'(\w+)'/g)].map(([, area]) => area)
}

const split = '?tsr-split=component'
const routes = Object.keys(parts)
  .filter((name) => name.endsWith(split))
  .map((name) => name.slice(0, -split.length))
const above = (route) =>
  routes.filter((other) => /(^|\/)(_\w+|.*\/route)\.tsx$/.test(other) && route.startsWith(`${other.replace(/(\/route)?\.tsx$/, '')}/`))
const html = fs.readFileSync(path.join(dist, 'index.html'), 'utf8')
const begins = [...html.matchAll(/(?:src|href)="\/([^"]+\.js)"/g)].map(([, file]) => file)
const pages = routes
  .filter((route) => !/(_\w+|\/route)\.tsx$/.test(route))
  .map((route) => {
    const all = [...above(route), route]
    const said = (language) => [...files(all.flatMap(words).map((area) => `src/words/${language}/${area}.ts`))]
    const code = files(all.map((name) => name + split))
    const total = (language) => [...new Set([...begins, ...code, ...said(language)])].reduce((sum, file) => sum + size(file), 0)
    return { route: route.replace(/^src\/routes\/(_in\/)?|\.tsx$/g, ''), english: total('en'), japanese: total('ja') }
  })
pages.sort((one, other) => other.english - one.english)
const kB = (bytes) => (bytes / 1000).toFixed(1).padStart(9)
console.log(`JavaScript of a first page (Brotli, kB of ${most / 1000})   English Japanese`)
for (const { route, english, japanese } of pages) console.log(`  ${route.padEnd(48)} ${kB(english)} ${kB(japanese)}`)
const large = pages.filter(({ english, japanese }) => Math.max(english, japanese) > most)
if (large.length > 0) {
  console.error(`More is loaded for ${large.map(({ route }) => route).join(', ')} than may be. Load what is rarely needed when it is.`)
  process.exit(1)
}

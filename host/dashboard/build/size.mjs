// What the first page loads, compressed as the program serves it, and whether it is within its bound: 200 kB of JavaScript.
import fs from 'node:fs'
import path from 'node:path'

const dist = 'dist/app'
const most = 200_000
const html = fs.readFileSync(path.join(dist, 'index.html'), 'utf8')
const first = [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+\.js|[^"]+\.js)"/g)].map((match) => match[1])
const size = (file) => {
  const compressed = path.join(dist, `${file}.br`)
  return fs.statSync(fs.existsSync(compressed) ? compressed : path.join(dist, file)).size
}
const total = first.reduce((sum, file) => sum + size(file), 0)
console.log(`first load: ${(total / 1000).toFixed(1)} kB of JavaScript (Brotli), of ${most / 1000}`)
if (total > most) {
  console.error(
    `The dashboard's first load is larger than it may be. Load what few pages need with those pages:\n${first.map((file) => `  ${size(file)} ${file}`).join('\n')}`,
  )
  process.exit(1)
}

// What is done to the built files before the program takes them in.
//
// Each script says at its top that all its functions are called: Chrome compiles them at once and beside the page then, not each when it is
// first called, which was a third of what a slow processor did before it painted. A script comes when its page does, so most of them are. A
// banner of the bundler would come behind a line of Vite's, and there the word isn't heard.
//
// Then all is compressed here once, as well as it goes, for the program to serve.
import fs from 'node:fs'
import path from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'

const dist = 'dist/app'
const word = '//# allFunctionsCalledOnLoad\n'
/** Below this many bytes a compressed form isn't worth its headers. */
const least = 512

const files = fs
  .readdirSync(dist, { recursive: true, withFileTypes: true })
  .filter((file) => file.isFile() && file.name !== 'index.html' && /\.(js|css|svg|json|txt|webmanifest)$/.test(file.name))
  .map(({ parentPath, name }) => path.join(parentPath, name))
for (const file of files) {
  if (path.dirname(file) === `${dist}/assets` && file.endsWith('.js')) fs.writeFileSync(file, word + fs.readFileSync(file, 'utf8'))
  const content = fs.readFileSync(file)
  if (content.length < least) continue
  for (const [ending, compressed] of [
    ['br', brotliCompressSync(content)],
    ['gz', gzipSync(content, { level: 9 })],
  ])
    if (compressed.length < content.length) fs.writeFileSync(`${file}.${ending}`, compressed)
}

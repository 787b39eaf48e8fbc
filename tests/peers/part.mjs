// How every part of the network begins and ends.
//
// A part is a process. It says in one line of JSON on its standard output that it serves, and ends when it is told to: by SIGTERM,
// by Ctrl-C, or, with --leashed, when its standard input ends. So it can't outlive who started it, whichever way that one dies.

import { createRequire } from 'node:module'
import fs from 'node:fs'
import path from 'node:path'

// The peers' own logs tell a lot about every request; who wants them sets LOG_ENABLED=true.
process.env.LOG_ENABLED ??= 'false'

/** The peers are CommonJS; from dev-env only the files that a part needs are loaded, which halves the time. */
export const require = createRequire(import.meta.url)

/** A number that must be in the environment. */
export function port(name) {
  const value = Number(process.env[name])
  if (!Number.isInteger(value) || value < 1 || value > 65535) fail(`${name} must be a port; it is ${process.env[name] ?? 'not set'}`)
  return value
}

/** A text that must be in the environment. */
export function text(name) {
  return process.env[name] || fail(`${name} is not set`)
}

/** A folder below DATA_DIR, made if it is missing. What the peers throw into the temporary directory goes below it as well. */
export function folder(name) {
  const base = path.resolve(text('DATA_DIR'))
  process.env.TMPDIR = path.join(base, 'tmp')
  const made = path.join(base, name)
  for (const each of [process.env.TMPDIR, made]) fs.mkdirSync(each, { recursive: true })
  return made
}

/** Says that the part serves, and what others must know of it. */
export function ready(facts) {
  console.log(JSON.stringify({ ready: true, ...facts }))
}

/** Ends the process when it is told to, after `end`; who waits for connections to close may wait for ever, so nobody does. */
export function untilStopped(end = async () => {}) {
  let stopping = false
  const stop = async () => {
    if (stopping) return
    stopping = true
    await end()
    process.exit(0)
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  if (process.argv.includes('--leashed')) process.stdin.on('end', stop).on('error', stop).resume()
}

export function fail(sentence) {
  console.error(sentence)
  process.exit(1)
}

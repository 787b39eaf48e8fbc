// A PostgreSQL for as long as the AppView runs. It listens on a socket in its own directory and on no port, and trusts its data to
// nobody's power cut. It must not run as root: who is root runs it as the user postgres, which Debian's package makes.

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fail } from './part.mjs'

const VERSIONS = '/usr/lib/postgresql'
const PATIENCE_MS = 30_000

export class Postgres {
  #directory
  #server

  /** On an empty directory. */
  constructor(directory) {
    this.#directory = directory
  }

  /** Where it can be reached once it runs. */
  get url() {
    return `postgresql:///postgres?host=${encodeURIComponent(this.#directory)}&user=postgres`
  }

  /** Starts it, and waits until it takes connections. */
  async start() {
    const programs = folderOfPrograms()
    const user = userToBe()
    const options = { ...user, cwd: '/', stdio: ['ignore', 'ignore', 'inherit'] }
    if (user.uid !== undefined) fs.chownSync(this.#directory, user.uid, user.gid)
    fs.chmodSync(this.#directory, 0o700)

    const data = path.join(this.#directory, 'data')
    execFileSync(path.join(programs, 'initdb'), ['-D', data, '-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '--no-locale', '--no-sync'], options)
    const settings = ['listen_addresses=', `unix_socket_directories=${this.#directory}`, 'fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'log_min_messages=fatal']
    this.#server = spawn(path.join(programs, 'postgres'), ['-D', data, ...settings.flatMap((setting) => ['-c', setting])], options)
    const asked = () => spawn(path.join(programs, 'pg_isready'), ['-q', '-h', this.#directory, '-U', 'postgres'], { stdio: 'ignore' })
    for (const end = Date.now() + PATIENCE_MS; (await once(asked(), 'exit'))[0] !== 0; await pause(50)) {
      if (this.#hasEnded() || Date.now() > end) {
        await this.stop()
        fail('PostgreSQL does not start; what it says is above')
      }
    }
  }

  /** Ends it at once: nobody will read these data again. */
  async stop() {
    if (!this.#server || this.#hasEnded()) return
    this.#server.kill('SIGQUIT')
    await once(this.#server, 'exit')
  }

  #hasEnded() {
    return this.#server.exitCode !== null || this.#server.signalCode !== null
  }
}

/** Where the newest installed version has its programs; Debian doesn't put them in the PATH. */
function folderOfPrograms() {
  const versions = fs.existsSync(VERSIONS) ? fs.readdirSync(VERSIONS).sort((a, b) => Number(b) - Number(a)) : []
  const places = [...versions.map((version) => path.join(VERSIONS, version, 'bin')), ...process.env.PATH.split(path.delimiter)]
  const found = places.find((place) => fs.existsSync(path.join(place, 'initdb')))
  return found ?? fail("PostgreSQL is not installed, and the AppView needs it: run 'apt-get install postgresql'")
}

/** As whom it runs: as ourselves, unless we are root. */
function userToBe() {
  if (process.getuid() !== 0) return {}
  const id = (flag) => Number(execFileSync('id', [flag, 'postgres'], { stdio: ['ignore', 'pipe', 'ignore'] }))
  try {
    return { uid: id('-u'), gid: id('-g') }
  } catch {
    return fail("PostgreSQL doesn't run as root, and there is no user postgres: install Debian's package or run this as somebody else")
  }
}

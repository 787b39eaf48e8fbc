// The whole network on this machine with Atrarium beside it, and a community in it. Ctrl-C ends all of it and removes its data.
//
//   make network            or, with everything built: node tests/peers/network.mjs

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { fail } from './part.mjs'
import { tell } from './story.mjs'

const home = path.dirname(fileURLToPath(import.meta.url))
const atrarium = process.env.ATRARIUM_BIN ?? path.join(home, '../../target/release/atrarium')
const ports = { PLC_PORT: '2582', PDS_PORT: '2583', APPVIEW_PORT: '2584', JETSTREAM_PORT: '6008', ATRARIUM_PORT: '3000', ADMIN_PORT: '3001' }
for (const name of Object.keys(ports)) ports[name] = process.env[name] ?? ports[name]

if (!fs.existsSync(path.join(home, 'node_modules'))) fail("The peers are not installed: run 'make peers'")
if (!fs.existsSync(atrarium)) fail(`There is no ${atrarium}: run 'make build', or name the program in ATRARIUM_BIN`)

// PostgreSQL may run as somebody else, and has its directory below.
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'atrarium-network-'))
fs.chmodSync(directory, 0o711)
const logs = path.join(directory, 'logs')
fs.mkdirSync(logs)

const running = []
let stopping = false

/** Ends everything, the last one first, and takes the data away. */
async function stop(code) {
  if (stopping) return
  stopping = true
  for (const child of running.reverse()) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
  fs.rmSync(directory, { recursive: true, force: true })
  process.exit(code)
}
process.on('SIGINT', () => stop(0)).on('SIGTERM', () => stop(0))

function start(name, program, parameters, environment, stdio) {
  const log = fs.openSync(path.join(logs, name), 'w')
  const child = spawn(program, parameters, { cwd: directory, env: { ...process.env, ...environment }, stdio: [...stdio, log], detached: true })
  running.push(child)
  child.on('error', () => {}).on('exit', () => {
    if (stopping) return
    console.error(`${name} has ended by itself. It said:\n${fs.readFileSync(path.join(logs, name), 'utf8')}`)
    stop(1)
  })
  return child
}

/** Starts a part, and waits for its word that it serves. */
async function part(script, more = {}) {
  const child = start(script, 'node', [path.join(home, script), '--leashed'], { ...ports, DATA_DIR: directory, ...more }, ['pipe', 'pipe'])
  // If it ends before that, everything does.
  const line = await new Promise((resolve) => {
    createInterface(child.stdout).on('line', (line) => line.startsWith('{"ready":true') && resolve(line))
  })
  return JSON.parse(line)
}

async function serveFeeds() {
  const { ATRARIUM_PORT, ADMIN_PORT, JETSTREAM_PORT } = ports
  const flags = {
    listen: `127.0.0.1:${ATRARIUM_PORT}`,
    'admin-listen': `127.0.0.1:${ADMIN_PORT}`,
    'public-url': `http://localhost:${ATRARIUM_PORT}`,
    jetstream: `ws://127.0.0.1:${JETSTREAM_PORT}/subscribe`,
    'data-dir': path.join(directory, 'atrarium'),
    'plc-url': plc.url,
    'backfill-pds': pds.url,
    'handle-resolver': pds.url,
    'appview-url': appview.url,
  }
  const parameters = Object.entries(flags).flatMap(([key, value]) => [`--${key}`, value])
  start('atrarium', atrarium, ['serve', ...parameters, '--allow-private-network'], {}, ['ignore', 'ignore'])
  const url = `http://localhost:${ATRARIUM_PORT}`
  while (!(await fetch(`${url}/xrpc/_health`).then((answer) => answer.ok, () => false))) await pause(50)
  return { url, did: `did:web:localhost%3A${ATRARIUM_PORT}` }
}

console.log('Starting. This takes about a quarter of a minute.')
const plc = await part('plc.mjs')
const appview = await part('appview.mjs')
const pds = await part('pds.mjs', { APPVIEW_DID: appview.did })
const bridge = await part('bridge.mjs')
const feeds = await serveFeeds()
console.log(`
  PLC directory   ${plc.url}
  PDS             ${pds.url}
  AppView         ${appview.url}
  Jetstream       ${bridge.url}
  Atrarium        ${feeds.url}   ${feeds.did}
  logs            ${logs}
`)
try {
  await tell({ pds: pds.url, appview: appview.url, feeds })
} catch (error) {
  if (!stopping) console.error(error)
  await stop(1)
}

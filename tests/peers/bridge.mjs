// From a PDS's firehose (com.atproto.sync.subscribeRepos) to Jetstream's v1 wire, which the real Jetstream, written in Go, would do.
//
//   PLC_PORT=2582 PDS_PORT=2583 JETSTREAM_PORT=6008 node bridge.mjs
//   then ws://127.0.0.1:6008/subscribe?wantedCollections=net.atrarium.*&cursor=<microseconds>
//
// Every commit's signature and proof are checked against the account's key in the PLC directory before anything is passed on.
// Where it differs from the real one: no zstd, so every frame is JSON text; the whole history lies in memory and is read again from the
// PDS after a restart; time_us comes from the PDS's own times, so that a cursor means the same after a restart; requireHello and
// options_update are unknown.

import http from 'node:http'
import { port, ready, require, untilStopped } from './part.mjs'

const { IdResolver } = require('@atproto/identity')
const { lexToJson } = require('@atproto/lexicon')
const { Firehose } = require('@atproto/sync')
const { WebSocketServer } = require('ws')

const PDS = `http://localhost:${port('PDS_PORT')}`
const PING_MS = 30_000

/** All that was ever passed on, in order: `{ time, did, collection, json }`, the collection empty for what always passes. */
const history = []
const subscribers = new Set()

// From the firehose.

let seq = 0
let last = Promise.resolve()

function publish(event, body, collection = '') {
  seq = event.seq
  const time = Math.max(Date.parse(event.time) * 1000, (history.at(-1)?.time ?? 0) + 1)
  const json = JSON.stringify({ did: event.did, time_us: time, ...body })
  history.push({ time, did: event.did, collection, json })
  for (const subscriber of subscribers) subscriber.offer(history.at(-1))
}

function handle(event) {
  const { did, time } = event
  switch (event.event) {
    case 'create':
    case 'update':
    case 'delete': {
      const commit = { rev: event.rev, operation: event.event, collection: event.collection, rkey: event.rkey }
      if (event.event !== 'delete') Object.assign(commit, { record: lexToJson(event.record), cid: event.cid.toString() })
      return publish(event, { kind: 'commit', commit }, event.collection)
    }
    case 'identity':
      return publish(event, { kind: 'identity', identity: { did, ...(event.handle && { handle: event.handle }), seq: event.seq, time } })
    case 'account':
      return publish(event, { kind: 'account', account: { active: event.active, did, seq: event.seq, ...(event.status && { status: event.status }), time } })
    default: // #sync: Jetstream says nothing of it
      seq = event.seq
  }
}

const idResolver = new IdResolver({ plcUrl: `http://localhost:${port('PLC_PORT')}` })
// There is no DNS for *.test.
idResolver.handle.resolve = async (handle) => {
  const answer = await fetch(`${PDS}/xrpc/com.atproto.identity.resolveHandle?handle=${encodeURIComponent(handle)}`)
  return answer.ok ? (await answer.json()).did : undefined
}

const firehose = new Firehose({
  service: PDS.replace(/^http/, 'ws'),
  idResolver,
  subscriptionReconnectDelay: 250,
  // In @atproto/sync 0.1.40 `getCursor` puts the function itself into the query; a runner that does one event after the other is right.
  runner: { getCursor: () => seq, trackEvent: (_did, _seq, run) => (last = last.then(run)) },
  handleEvent: handle,
  onError: (error) => console.error(`the PDS's firehose: ${error.message}; ${error.cause?.message ?? ''}`),
})

// To the subscribers.

class Refused extends Error {}

/** What a subscriber wants to hear, from the query of its request. */
function wishes(query) {
  const collections = query.getAll('wantedCollections')
  const dids = new Set(query.getAll('wantedDids'))
  const cursor = query.get('cursor')
  if (collections.length > 100) throw new Refused('invalid subscriber options: too many wanted collections')
  for (const collection of collections) {
    if (!/^[a-zA-Z0-9-]+(\.[a-zA-Z0-9-]+)+(\.\*)?$/.test(collection)) throw new Refused(`invalid subscriber options: invalid collection: ${collection}`)
  }
  if (dids.size > 10_000) throw new Refused('invalid subscriber options: too many wanted DIDs')
  if (cursor && !/^\d+$/.test(cursor)) throw new Refused(`invalid cursor: ${cursor}`)
  const wanted = (collection) =>
    collections.length === 0 || collections.some((each) => (each.endsWith('.*') ? collection.startsWith(each.slice(0, -1)) : each === collection))
  return {
    // Identities and accounts pass whatever collections are wanted.
    matches: (event) => (!event.collection || wanted(event.collection)) && (dids.size === 0 || dids.has(event.did)),
    largest: Number(query.get('maxMessageSizeBytes')) || Infinity,
    // One that lies in the future means: from now on.
    cursor: cursor && Number(cursor) <= Date.now() * 1000 ? Number(cursor) : undefined,
  }
}

function serve(socket, { matches, largest, cursor }) {
  const subscriber = {
    offer(event) {
      const early = cursor !== undefined && event.time < cursor
      if (!early && matches(event) && Buffer.byteLength(event.json) <= largest) socket.send(event.json)
    },
  }
  if (cursor !== undefined) history.forEach(subscriber.offer)
  subscribers.add(subscriber)
  const pings = setInterval(() => socket.ping(), PING_MS)
  socket.on('error', () => socket.terminate())
  socket.on('close', () => {
    subscribers.delete(subscriber)
    clearInterval(pings)
  })
}

const sockets = new WebSocketServer({ noServer: true })
const server = http.createServer((request, response) => response.writeHead(404).end('only /subscribe is here'))
server.on('upgrade', (request, socket, head) => {
  const url = new URL(request.url, 'http://localhost')
  try {
    if (url.pathname !== '/subscribe') throw new Refused('only /subscribe is here')
    const wanted = wishes(url.searchParams)
    sockets.handleUpgrade(request, socket, head, (opened) => serve(opened, wanted))
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    socket.end(`HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: ${Buffer.byteLength(error.message)}\r\n\r\n${error.message}`)
  }
})

firehose.start()
untilStopped()
server.listen(port('JETSTREAM_PORT'), '127.0.0.1', () => ready({ url: `ws://127.0.0.1:${port('JETSTREAM_PORT')}/subscribe` }))

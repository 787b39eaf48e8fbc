// A PDS. Its repos, blobs and keys lie in DATA_DIR/pds, so it can be killed and started again. Handles end with .test.
//
//   PLC_PORT=2582 PDS_PORT=2583 DATA_DIR=/tmp/net node pds.mjs
//   APPVIEW_PORT=2584 APPVIEW_DID=did:plc:…          also if app.bsky.* is to be asked of an AppView

import crypto from 'node:crypto'
import dns from 'node:dns'
import fs from 'node:fs'
import path from 'node:path'
import { folder, port, ready, require, text, untilStopped } from './part.mjs'

const { TestPds } = require('@atproto/dev-env/dist/pds.js')
const { mockNetworkUtilities } = require('@atproto/dev-env/dist/util.js')

// An OAuth client in the world has a name with TLS, whose documents the PDS fetches. This one is on this machine: see client.mjs.
const lookup = dns.lookup
dns.lookup = (name, options, callback) => lookup(name === 'feeds.atrarium-e2e.dev' ? '127.0.0.1' : name, options, callback)

const directory = folder('pds')
const repos = folder('pds/repos')

/** The key that may change the accounts' DIDs must be the same after a restart. */
function rotationKey() {
  const file = path.join(directory, 'rotation-key.hex')
  if (!fs.existsSync(file)) fs.writeFileSync(file, crypto.randomBytes(32).toString('hex'))
  return fs.readFileSync(file, 'utf8')
}

const appview = process.env.APPVIEW_DID
  ? { bskyAppViewUrl: `http://localhost:${port('APPVIEW_PORT')}`, bskyAppViewDid: text('APPVIEW_DID') }
  : {}

const pds = await TestPds.create({
  port: port('PDS_PORT'),
  didPlcUrl: `http://localhost:${port('PLC_PORT')}`,
  dataDirectory: repos,
  blobstoreDiskLocation: path.join(directory, 'blobs'),
  plcRotationKeyK256PrivateKeyHex: rotationKey(),
  ...appview,
})
// There is no DNS for *.test: such handles are looked up at the PDS itself.
mockNetworkUtilities(pds)
untilStopped()
ready({ url: pds.url })

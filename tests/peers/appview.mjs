// Bluesky's AppView, with a PostgreSQL of its own in DATA_DIR/postgres. It reads the PDS's firehose, and looks for it until it is there.
//
//   PLC_PORT=2582 PDS_PORT=2583 APPVIEW_PORT=2584 DATA_DIR=/tmp/net node appview.mjs

import { folder, port, ready, require, untilStopped } from './part.mjs'
import { Postgres } from './postgres.mjs'

const { TestBsky } = require('@atproto/dev-env/dist/bsky.js')
const { mockResolvers } = require('@atproto/dev-env/dist/util.js')

const pdsPort = port('PDS_PORT')
const postgres = new Postgres(folder('postgres'))
untilStopped(() => postgres.stop())
await postgres.start()

const appview = await TestBsky.create({
  port: port('APPVIEW_PORT'),
  plcUrl: `http://localhost:${port('PLC_PORT')}`,
  pdsPort,
  repoProvider: `ws://localhost:${pdsPort}`,
  dbPostgresUrl: postgres.url,
  dbPostgresSchema: 'appview',
})
// What dev-env wants to know of a PDS in order to look up *.test handles there.
const pds = {
  port: pdsPort,
  url: `http://localhost:${pdsPort}`,
  ctx: { cfg: { service: { publicUrl: `http://localhost:${pdsPort}` }, identity: { serviceHandleDomains: ['.test'] } } },
}
mockResolvers(appview.ctx.idResolver, pds)
mockResolvers(appview.dataplane.idResolver, pds)
ready({ url: appview.url, did: appview.serverDid })

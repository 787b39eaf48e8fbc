// What an OAuth client in the world says of itself, over TLS: the documents that a PDS fetches of who wants to sign people in.
//
//   CLIENT_PORT=4443 DOCUMENTS='{"/oauth/client-metadata.json":{…}}' node client.mjs
//
// Its name, feeds.atrarium-e2e.dev, leads to this machine in the PDS of the tests, which trusts its certificate too.

import fs from 'node:fs'
import https from 'node:https'
import { once } from 'node:events'
import { port, ready, text, untilStopped } from './part.mjs'

const read = (name) => fs.readFileSync(new URL(`tls/${name}`, import.meta.url))
const documents = JSON.parse(text('DOCUMENTS'))

const server = https.createServer({ key: read('feeds.key'), cert: read('feeds.pem') }, (request, response) => {
  const document = documents[request.url]
  response.writeHead(document ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(document ?? { error: 'NotFound' }))
})
server.listen(port('CLIENT_PORT'), '127.0.0.1')
await once(server, 'listening')
untilStopped()
ready({})

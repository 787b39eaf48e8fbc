// A PLC directory. It keeps everything in memory: whoever ends it ends the network.
//
//   PLC_PORT=2582 node plc.mjs

import { port, ready, require, untilStopped } from './part.mjs'

const { TestPlc } = require('@atproto/dev-env/dist/plc.js')

const plc = await TestPlc.create({ port: port('PLC_PORT') })
untilStopped()
ready({ url: plc.url })

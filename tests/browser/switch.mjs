// A wire to the program that can be cut, and mended again.

import { once } from 'node:events'
import net from 'node:net'

export async function wire(target) {
  const { hostname, port } = new URL(target)
  const open = new Set()
  let cut = false
  const server = net.createServer((near) => {
    if (cut) return near.destroy()
    const far = net.connect(Number(port), hostname)
    for (const socket of [near, far]) {
      open.add(socket)
      socket.on('error', () => {}).on('close', () => {
        open.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
    near.pipe(far).pipe(near)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    cut() {
      cut = true
      for (const socket of open) socket.destroy()
    },
    mend() {
      cut = false
    },
    end() {
      this.cut()
      server.close()
    },
  }
}

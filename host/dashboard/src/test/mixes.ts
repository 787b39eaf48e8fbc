/** A community whose owner has uploaded mixes, as the program tells of it. */
import { vi } from 'vitest'
import type { Mix, MixLogLine, MixPreview, MixVersion } from '@/api/mixes'
import { community } from './community'
import { type Answers, startAs } from './render'

export function version(number: number, more: Partial<MixVersion> = {}): MixVersion {
  return {
    number,
    name: `mix ${number}`,
    sha256: 'e3'.repeat(32),
    size: 412_331,
    language: 'Rust',
    uploader: 'did:plc:me',
    uploaderHandle: 'me.example.com',
    uploadedAt: '2026-11-20T12:00:00.000Z',
    state: 'ready',
    profile: { fuel: 2_500_000, memoryKib: 2_048, microseconds: 1_830, canAskWhoReads: false, asksWhoReads: false },
    active: false,
    ...more,
  }
}

export function mix(versions: MixVersion[], more: Partial<Mix> = {}): Mix {
  const active = more.active ?? null
  return {
    active,
    madeBy: active === null ? 'default' : 'version',
    versions: versions.map(({ number, name, state }) => ({ number, name, state, active: number === active })),
    mayUpload: true,
    usage: { versions: versions.length, ownerBytes: versions.reduce((sum, { size }) => sum + size, 0), checking: 0 },
    quotas: {
      versions: 20,
      ownerBytes: 240 * 1_024 * 1_024,
      largestBytes: 1_024 * 1_024,
      checking: 2,
      perHour: 10,
      fuel: 50_000_000,
      milliseconds: 250,
      memoryKib: 65_536,
    },
    ...more,
  }
}

export function seen(name: string, more: Partial<MixPreview['posts'][number]> = {}): MixPreview['posts'][number] {
  return {
    uri: `at://did:plc:${name}/app.bsky.feed.post/${name}`,
    author: `did:plc:${name}`,
    authorHandle: `${name}.example.com`,
    source: 'own',
    pinned: false,
    ...more,
  }
}

export function preview(more: Partial<MixPreview> = {}): MixPreview {
  return {
    version: 2,
    posts: [],
    now: { version: null, posts: [] },
    calls: 1,
    fuel: 5_000_000,
    memoryKib: 2_048,
    microseconds: 2_000,
    asksWhoReads: false,
    ...more,
  }
}

export const MIX = '/api/communities/moths/feed-mix'

/** What the network answers to the page of these versions. */
export function mixed(versions: MixVersion[], more: Partial<Mix> = {}, lines: MixLogLine[] = []): Answers {
  return {
    'GET /api/auth/start': startAs(),
    'GET /api/communities/moths': community(),
    [`GET ${MIX}`]: mix(versions, more),
    [`GET ${MIX}/versions`]: { versions },
    [`GET ${MIX}/log`]: { lines },
  }
}

/** An upload as the browser sends it, which a test brings on. */
export class Sending {
  static all: Sending[] = []
  upload: { onprogress: ((event: { lengthComputable: boolean; loaded: number; total: number }) => void) | null } = { onprogress: null }
  onload: (() => void) | null = null
  onerror: (() => void) | null = null
  onabort: (() => void) | null = null
  responseType = ''
  status = 0
  response: unknown
  path = ''
  headers: Record<string, string> = {}
  aborted = false
  open(_method: string, path: string) {
    this.path = path
  }
  setRequestHeader(name: string, value: string) {
    this.headers[name] = value
  }
  send() {
    Sending.all.push(this)
  }
  abort() {
    this.aborted = true
    this.onabort?.()
  }
  progress(loaded: number, total: number) {
    this.upload.onprogress?.({ lengthComputable: true, loaded, total })
  }
  answer(status: number, response: unknown) {
    this.status = status
    this.response = response
    this.onload?.()
  }
}

/** All uploads from now on. */
export function uploads(): Sending[] {
  // What jsdom's files lack of a browser's.
  Blob.prototype.arrayBuffer ??= function (this: Blob) {
    return new Promise((resolve) => {
      const reader = new FileReader()
      reader.onload = () => resolve(reader.result instanceof ArrayBuffer ? reader.result : new ArrayBuffer())
      reader.readAsArrayBuffer(this)
    })
  }
  Sending.all = []
  vi.stubGlobal('XMLHttpRequest', Sending)
  return Sending.all
}

/** A file that begins as all WebAssembly does. */
export function wasm(size = 100, name = 'mix.wasm'): File {
  const bytes = new Uint8Array(size)
  bytes.set([0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00])
  return new File([bytes], name)
}

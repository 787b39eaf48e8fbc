/** The components that mix a community's feed. */
import { queryOptions } from '@tanstack/react-query'
import { api, csrfToken, fresh, good, type Schemas } from './client'
import { problemOf, unreachable } from './problem'

export type Mix = Schemas['Mix']
export type MixVersion = Schemas['MixVersion']
export type MixPreview = Schemas['MixPreview']
export type MixLogLine = Schemas['MixLogLine']

const at = (id: string) => ({ params: { path: { id } } })
const version = (id: string, number: number) => ({ params: { path: { id, number } } })

export const mixQuery = (id: string) =>
  queryOptions({
    queryKey: ['community', id, 'mix'],
    queryFn: ({ signal }) => good(api.GET('/api/communities/{id}/feed-mix', { ...at(id), signal })),
  })

export const versionsQuery = (id: string) =>
  queryOptions({
    queryKey: ['community', id, 'mix', 'versions'],
    queryFn: async ({ signal }) => (await good(api.GET('/api/communities/{id}/feed-mix/versions', { ...at(id), signal }))).versions,
    // What is being looked at is ready, or refused, in a moment.
    refetchInterval: ({ state }) => (state.data?.some((version) => version.state === 'checking') ? 1_500 : false),
  })

export const logQuery = (id: string) =>
  queryOptions({
    queryKey: ['community', id, 'mix', 'log'],
    queryFn: async ({ signal }) => (await good(api.GET('/api/communities/{id}/feed-mix/log', { ...at(id), signal }))).lines,
    refetchInterval: 30_000,
  })

export const previewQuery = (id: string, number: number) =>
  queryOptions({
    queryKey: ['community', id, 'mix', 'preview', number],
    queryFn: ({ signal }) => good(api.POST('/api/communities/{id}/feed-mix/versions/{number}/preview', { ...version(id, number), signal })),
    staleTime: 0,
    retry: false,
  })

export const activate = (id: string, number: number) =>
  good(api.POST('/api/communities/{id}/feed-mix/versions/{number}/activate', version(id, number)))
export const deactivate = (id: string) => good(api.POST('/api/communities/{id}/feed-mix/deactivate', at(id)))
export const rollBack = (id: string) => good(api.POST('/api/communities/{id}/feed-mix/rollback', at(id)))
export const remove = (id: string, number: number) =>
  good(api.DELETE('/api/communities/{id}/feed-mix/versions/{number}', version(id, number)))

/** A version that was uploaded, and whether the community had the same bytes already. */
export type Uploaded = { version: MixVersion; already: boolean }

/** Uploads a component; `progress` hears which part of it has gone out, between 0 and 1. Only this way of asking tells. */
export async function upload(
  id: string,
  file: File,
  progress: (part: number) => void,
  signal: AbortSignal,
  name = file.name,
): Promise<Uploaded> {
  await fresh()
  signal.throwIfAborted()
  const path = `/api/communities/${encodeURIComponent(id)}/feed-mix/versions?${new URLSearchParams({ name: [...name].slice(0, 100).join('') })}`
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open('POST', path)
    request.responseType = 'json'
    request.setRequestHeader('content-type', 'application/wasm')
    request.setRequestHeader('x-csrf-token', csrfToken())
    request.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total)
    request.onload = () =>
      request.status < 300
        ? resolve({ version: request.response as MixVersion, already: request.status === 200 })
        : reject(problemOf(request.status, request.response))
    request.onerror = () => reject(unreachable())
    request.onabort = () => reject(signal.reason)
    signal.addEventListener('abort', () => request.abort(), { once: true })
    request.send(file)
  })
}

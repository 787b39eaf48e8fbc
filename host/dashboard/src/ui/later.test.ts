import { expect, test, vi } from 'vitest'

/** As a page begins, whatever other tests have loaded. */
async function fresh() {
  vi.resetModules()
  return await import('./later')
}

test('code comes with the first sign of somebody, once', async () => {
  const { later, loadWithFirstSign } = await fresh()
  const fetch = vi.fn(async () => 'parts')
  const code = later(fetch)
  loadWithFirstSign()
  await Promise.resolve()
  expect(fetch).not.toHaveBeenCalled()
  dispatchEvent(new Event('pointermove'))
  dispatchEvent(new Event('keydown'))
  await vi.waitFor(() => expect(code.parts).toBe('parts'))
  expect(fetch).toHaveBeenCalledTimes(1)
})

test('what another page brings after that comes at once', async () => {
  const { later, loadWithFirstSign } = await fresh()
  loadWithFirstSign()
  dispatchEvent(new Event('keydown'))
  const code = later(async () => 'parts')
  await vi.waitFor(() => expect(code.parts).toBe('parts'))
})

test('what failed to come is tried again by who wants it', async () => {
  const { later } = await fresh()
  const fetch = vi.fn(async () => 'parts').mockRejectedValueOnce(new Error('offline'))
  const code = later(fetch)
  await expect(code.load()).rejects.toThrow('offline')
  expect(code.parts).toBeUndefined()
  await expect(Promise.all([code.load(), code.load()])).resolves.toEqual(['parts', 'parts'])
  expect(fetch).toHaveBeenCalledTimes(2)
})

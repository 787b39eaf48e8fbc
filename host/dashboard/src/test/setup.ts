import '@testing-library/jest-dom/vitest'
import { configure } from '@testing-library/react'
import { twMerge } from 'tailwind-merge'
import { beforeAll, vi } from 'vitest'
import { loadAll } from '@/ui/later'

// Tests wait for the thing itself, and a busy machine takes its time.
configure({ asyncUtilTimeout: 5_000 })
vi.setConfig({ testTimeout: 30_000 })

// Of names that meet, our small table leaves what the whole one leaves.
vi.mock('@/ui/classes', async (original) => {
  const { classes } = await original<typeof import('@/ui/classes')>()
  return {
    classes(...names: Parameters<typeof classes>) {
      const [ours, whole] = [classes(...names), twMerge(...(names as Parameters<typeof twMerge>))]
      if (ours !== whole) throw new Error(`src/ui/classes.ts leaves other names than tailwind-merge would:\n  ${ours}\n  ${whole}`)
      return ours
    },
  }
})

// As it is where somebody has moved the mouse.
beforeAll(loadAll)

import { fileURLToPath } from 'node:url'
import tailwindcss from '@tailwindcss/vite'
import { tanstackRouter } from '@tanstack/router-plugin/vite'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'
import routes from './build/routes.config'

/** The program that answers while pages are worked on: `npm run dev`. */
const program = process.env.ATRARIUM_URL ?? 'http://127.0.0.1:3000'

export default defineConfig({
  plugins: [tanstackRouter({ ...routes, autoCodeSplitting: true }), react(), tailwindcss()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  build: {
    outDir: 'dist/app',
    target: 'es2022',
    // Nothing may be inlined: the policy of the page lets scripts, styles and pictures come from files of ours alone.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        codeSplitting: {
          // What every page begins with is one file: forty small ones cost a slow processor more than what is in them.
          groups: [
            { name: 'first', test: /src\/main\.tsx$/, priority: 2 },
            // And so is what several pages share.
            { name: 'shared', test: /\/src\/|lucide-react/, minShareCount: 2, priority: 1 },
          ],
        },
      },
    },
    // For size.mjs, which takes it away.
    manifest: true,
    reportCompressedSize: false,
  },
  server: { proxy: Object.fromEntries(['/api', '/oauth', '/xrpc'].map((path) => [path, program])) },
  test: { environment: 'jsdom', setupFiles: ['src/test/setup.ts'], include: ['src/**/*.test.{ts,tsx}'], restoreMocks: true },
})

import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { setNonce } from 'get-nonce'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { Problem } from './api/problem'
import { newQueries } from './api/queries'
import { newRouter } from './router'
import './style.css'
import { loadWithFirstSign } from './ui/later'
import { Toasts } from './ui/toast'
import { startWords } from './words'

// The dialogs' library adds a style to the page while one is open; the page's policy wants this word for it.
setNonce(document.querySelector('meta[name="nonce"]')?.getAttribute('content') ?? '')

const queries = newQueries()
const router = newRouter(queries)

/** A page that is younger was just loaded. */
const RELOADED_MS = 10_000

// A page that stayed open while the program was replaced asks for parts that are gone; loading it again brings the new ones.
addEventListener('vite:preloadError', () => {
  // Once is enough: what is missing then stays missing.
  if (performance.now() < RELOADED_MS) return
  // While the program is away, the page stays as it is.
  fetch('/', { method: 'HEAD' }).then(
    ({ ok }) => ok && location.reload(),
    () => {},
  )
})

loadWithFirstSign()
await startWords()
const place = document.getElementById('app')
if (place) {
  createRoot(place, {
    // What the program refuses is told on the page; what is broken is told here, too.
    onCaughtError: (error) => {
      if (!(error instanceof Problem)) console.error(error)
    },
  }).render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <Toasts>
          <RouterProvider router={router} />
        </Toasts>
      </QueryClientProvider>
    </StrictMode>,
  )
}

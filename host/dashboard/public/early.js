// Runs before anything is painted, so that no page appears in the wrong colours or the wrong language.
;(() => {
  const root = document.documentElement
  const stored = (key) => {
    try {
      return localStorage.getItem(key)
    } catch {
      return null
    }
  }
  const dark = matchMedia('(prefers-color-scheme: dark)')
  const dress = () => {
    const wanted = stored('theme')
    root.dataset.theme = wanted === 'light' || wanted === 'dark' ? wanted : dark.matches ? 'dark' : 'light'
  }
  dress()
  dark.addEventListener('change', dress)
  addEventListener('storage', dress)
  const spoken = stored('language') ?? navigator.languages?.find((tag) => /^(en|ja)\b/.test(tag)) ?? 'en'
  root.lang = spoken.startsWith('ja') ? 'ja' : 'en'
})()

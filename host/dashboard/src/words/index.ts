/**
 * All that pages say, in English and Japanese. English is in the bundle, Japanese comes when it is wanted.
 *
 * A text that one of them lacks doesn't compile: each Japanese file is of its English file's form.
 */
import i18next from 'i18next'
import { initReactI18next } from 'react-i18next'
import { english } from './en'

export const LANGUAGES = { en: 'English', ja: '日本語' } as const
export type Language = keyof typeof LANGUAGES

/** The same texts in another language. Japanese has one form for any number. */
export type Same<T> = { [Key in keyof T as Key extends `${string}_one` ? never : Key]: T[Key] extends string ? string : Same<T[Key]> }

declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'common'
    resources: typeof english
    enableSelector: false
  }
}

/** As `early.js` has seen it. */
export function language(): Language {
  return document.documentElement.lang === 'ja' ? 'ja' : 'en'
}

async function load(wanted: Language) {
  if (wanted === 'en' || i18next.hasResourceBundle(wanted, 'common')) return
  const { japanese } = await import('./ja')
  for (const [name, texts] of Object.entries(japanese)) i18next.addResourceBundle(wanted, name, texts)
}

export async function startWords() {
  const wanted = language()
  await i18next.use(initReactI18next).init({
    lng: 'en',
    fallbackLng: 'en',
    resources: { en: english },
    defaultNS: 'common',
    interpolation: { escapeValue: false },
    returnNull: false,
  })
  if (wanted !== 'en') await speak(wanted)
}

/** Changes the language, now and for the next visits. */
export async function speak(wanted: Language) {
  await load(wanted)
  await i18next.changeLanguage(wanted)
  document.documentElement.lang = wanted
}

export async function choose(wanted: Language) {
  try {
    localStorage.setItem('language', wanted)
  } catch {
    // A browser that keeps nothing asks again next time.
  }
  await speak(wanted)
}

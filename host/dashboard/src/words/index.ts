/**
 * All that pages say, in English and Japanese, by areas. What every page needs in English is in the bundle; the rest comes with the pages that
 * say so where they are loaded, in the language that is spoken.
 *
 * A text that one of them lacks doesn't compile: each Japanese file is of its English file's form.
 */
import i18next from 'i18next'
import { initReactI18next } from 'react-i18next'
import type { english } from './en'
import { common } from './en/common'

export const LANGUAGES = { en: 'English', ja: '日本語' } as const
export type Language = keyof typeof LANGUAGES
export type Area = keyof typeof english

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

const files = import.meta.glob<Partial<Record<Area, object>>>(['./{en,ja}/*.ts', '!./*/index.ts', '!./en/common.ts'])
const wanted = new Set<Area>(['common'])

async function load(spoken: Language, area: Area) {
  if (i18next.hasResourceBundle(spoken, area)) return
  const file = await files[`./${spoken}/${area}.ts`]?.()
  if (file) i18next.addResourceBundle(spoken, area, file[area])
}

/** Loads what pages say in these areas; a route's loader asks for it, so that it comes beside the page's code. */
export async function words(...areas: Area[]) {
  for (const area of areas) wanted.add(area)
  await Promise.all(areas.map((area) => load(language(), area)))
}

export async function startWords() {
  await i18next.use(initReactI18next).init({
    lng: 'en',
    fallbackLng: 'en',
    resources: { en: { common } },
    defaultNS: 'common',
    interpolation: { escapeValue: false },
    returnNull: false,
  })
  await speak(language())
}

/** Changes the language, now and for the next visits. */
export async function speak(spoken: Language) {
  await Promise.all([...wanted].map((area) => load(spoken, area)))
  await i18next.changeLanguage(spoken)
  document.documentElement.lang = spoken
}

export async function choose(spoken: Language) {
  try {
    localStorage.setItem('language', spoken)
  } catch {
    // A browser that keeps nothing asks again next time.
  }
  await speak(spoken)
}

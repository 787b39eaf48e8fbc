/** What a browser or script calls itself, roughly: enough to tell one's own sessions apart. */

/** By what is looked for, the first that fits: browsers name others' names along with their own. */
const PROGRAMS: [RegExp, string][] = [
  [/\bEdg(?:e|A|iOS)?\//, 'Edge'],
  [/\bOPR\/|\bOpera\b/, 'Opera'],
  [/\bVivaldi\//, 'Vivaldi'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\bYaBrowser\//, 'Yandex'],
  [/\bFirefox\/|\bFxiOS\//, 'Firefox'],
  [/\bHeadlessChrome\//, 'Chrome'],
  [/\bChrome\/|\bCriOS\//, 'Chrome'],
  [/\bVersion\/[\d.]+ .*Safari\//, 'Safari'],
]

const SYSTEMS: [RegExp, string][] = [
  [/\biPhone\b|\biPod\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b|\bMacintosh\b/, 'macOS'],
  [/\bLinux\b|\bX11\b/, 'Linux'],
]

export type Client = { program: string; system?: string; kind: 'phone' | 'computer' | 'script' }

export function clientOf(text: string | null | undefined): Client | undefined {
  const given = text?.trim()
  if (!given) return undefined
  const system = SYSTEMS.find(([sign]) => sign.test(given))?.[1]
  const program = PROGRAMS.find(([sign]) => sign.test(given))?.[1]
  const kind = system === 'iPhone' || system === 'iPad' || system === 'Android' ? 'phone' : 'computer'
  if (program) return { program, system, kind }
  // A script names itself first, such as curl/8.5.0.
  const first = given.split(/[\s/;(]/, 1)[0]
  return { program: first && first !== 'Mozilla' ? first : given.slice(0, 40), system, kind: 'script' }
}

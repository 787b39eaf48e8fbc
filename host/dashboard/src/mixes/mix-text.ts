/** What is said of mixes in numbers, as people read them, and the program's own sentences. */

const KIB = 1_024
const MIB = KIB * KIB

/** Bytes in KiB, or in MiB from one on. */
export function bytes(count: number, language: string): string {
  if (count > 0 && count < KIB) return '< 1 KiB'
  const [size, unit] = count < MIB ? [KIB, 'KiB'] : [MIB, 'MiB']
  const digits = count / size < 10 ? 1 : 0
  return `${new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(count / size)} ${unit}`
}

export const kib = (count: number, language: string) => bytes(count * KIB, language)

/** A large number in words, such as 4.2 million. */
export function large(count: number, language: string): string {
  return new Intl.NumberFormat(language, { notation: 'compact', compactDisplay: 'long', maximumSignificantDigits: 3 }).format(count)
}

export function milliseconds(count: number, language: string): string {
  return new Intl.NumberFormat(language, { style: 'unit', unit: 'millisecond', maximumSignificantDigits: 3 }).format(count)
}

/** Between 0 and 1, however the numbers are. */
export function part(used: number, most: number): number {
  return most > 0 ? Math.min(1, Math.max(0, used / most)) : 0
}

/** A share in percent; one that is hardly there is not rounded to nothing. */
export function percent(used: number, most: number, language: string): string {
  const share = most > 0 ? used / most : 0
  const format = (value: number) =>
    new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: value < 0.1 ? 1 : 0 }).format(value)
  return share > 0 && share < 0.001 ? `< ${format(0.001)}` : format(share)
}

/** The program's sentence as one that stands alone. */
export function capital(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1)
}

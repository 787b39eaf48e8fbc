/** Numbers as an operator reads them, in their language. */
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'

const BYTES = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const

export function numbers(language: string) {
  const format = (options: Intl.NumberFormatOptions) => new Intl.NumberFormat(language, options)
  const [plain, rough, exact] = [
    format({ maximumFractionDigits: 0 }),
    format({ maximumSignificantDigits: 2 }),
    format({ maximumFractionDigits: 1 }),
  ]
  const [percent, finely] = [
    format({ style: 'percent', minimumFractionDigits: 1, maximumFractionDigits: 1 }),
    format({ style: 'percent', minimumFractionDigits: 2, maximumFractionDigits: 2 }),
  ]
  const unit = (value: number, of: string, digits = 0) =>
    format({ style: 'unit', unit: of, unitDisplay: 'short', maximumFractionDigits: digits }).format(value)

  return {
    count: (value: number) => plain.format(value),

    /** So many in a second: of few the first two digits. */
    rate: (value: number) =>
      value < 0.01 && value > 0 ? `< ${rough.format(0.01)}` : value < 10 ? rough.format(value) : exact.format(value),

    /** A part of one. What is next to nothing is told from nothing. */
    share(value: number) {
      if (value > 0 && value < 0.0001) return `< ${finely.format(0.0001)}`
      return (value < 0.1 ? finely : percent).format(value)
    },

    /** In steps of 1,024. */
    bytes(value: number) {
      const step = Math.min(BYTES.length - 1, value < 1 ? 0 : Math.floor(Math.log2(value) / 10))
      const scaled = value / 1024 ** step
      return unit(scaled, BYTES[step] ?? 'byte', step > 0 && scaled < 100 ? 1 : 0)
    },

    /** In its two largest units; less than ten seconds with a digit more. */
    duration(seconds: number) {
      if (seconds < 10) return unit(seconds, 'second', 1)
      const whole = Math.floor(seconds)
      const parts = [
        [Math.floor(whole / 86_400), 'day'],
        [Math.floor(whole / 3_600) % 24, 'hour'],
        [Math.floor(whole / 60) % 60, 'minute'],
        [whole % 60, 'second'],
      ] as const
      const first = parts.findIndex(([value]) => value > 0)
      const told = parts.slice(first, first + 2).filter(([value]) => value > 0)
      return told.map(([value, of]) => unit(value, of)).join(' ')
    },

    milliseconds: (value: number) => unit(value, 'millisecond'),
  }
}

export type Numbers = ReturnType<typeof numbers>

export function useNumbers(): Numbers {
  const { i18n } = useTranslation()
  return useMemo(() => numbers(i18n.language), [i18n.language])
}

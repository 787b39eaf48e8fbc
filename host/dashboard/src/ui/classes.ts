import { type ClassValue, clsx } from 'clsx'
import { twMerge } from 'tailwind-merge'

/** Class names, of which a later one wins over an earlier one of its kind. */
export function classes(...names: ClassValue[]): string {
  return twMerge(clsx(names))
}

import { type ClassValue, clsx } from 'clsx'
import { createTailwindMerge, validators } from 'tailwind-merge'

const any = [validators.isAny]
const sides = { x: ['r', 'l'], y: ['t', 'b'] }

/** Each side of a margin or padding, as far as one takes another's place. */
function box(name: 'm' | 'p') {
  const all = ['x', 'y', 't', 'r', 'b', 'l'].map((side) => name + side)
  return {
    groups: Object.fromEntries([name, ...all].map((side) => [side, [{ [side]: any }]])),
    conflicts: {
      [name]: all,
      ...Object.fromEntries(Object.entries(sides).map(([axis, two]) => [name + axis, two.map((side) => name + side)])),
    },
  }
}
const margin = box('m')
const padding = box('p')

/**
 * The kinds of names of which a part's own and its user's meet. What tailwind-merge knows by itself is most of its size, and would be loaded for
 * every page; where it would choose differently, the tests of components fail.
 */
const merge = createTailwindMerge(() => ({
  cacheSize: 500,
  theme: {},
  classGroups: {
    display: ['block', 'inline-block', 'flex', 'inline-flex', 'grid', 'hidden'],
    position: ['static', 'fixed', 'absolute', 'relative', 'sticky'],
    ...margin.groups,
    ...padding.groups,
    size: [{ size: any }],
    w: [{ w: any }],
    h: [{ h: any }],
    'min-w': [{ 'min-w': any }],
    'min-h': [{ 'min-h': any }],
    'max-w': [{ 'max-w': any }],
    'max-h': [{ 'max-h': any }],
    gap: [{ gap: any }],
    'gap-x': [{ 'gap-x': any }],
    'gap-y': [{ 'gap-y': any }],
    'font-size': [{ text: ['xs', 'sm', 'base', 'lg', 'xl', '2xl', '3xl', '4xl', validators.isArbitraryLength] }],
    'text-alignment': [{ text: ['left', 'center', 'right'] }],
    'text-wrap': ['text-balance'],
    'text-color': [{ text: any }],
    whitespace: [{ whitespace: ['normal', 'nowrap', 'pre-wrap'] }],
    'text-decoration': ['underline', 'no-underline'],
    leading: [{ leading: any }],
    'font-weight': [{ font: ['normal', 'medium', 'semibold', 'bold'] }],
    bg: [{ bg: any }],
    rounded: [{ rounded: ['', 'sm', 'md', 'lg', 'xl', '2xl', 'full', validators.isArbitraryValue] }],
    'border-w': [{ border: ['', '2'] }],
    'border-w-b': [{ 'border-b': ['', '0', '2'] }],
    'border-style': [{ border: ['solid', 'dashed'] }],
    'border-color': [{ border: ['border', 'input', 'primary', 'destructive', 'transparent'] }],
    'justify-content': [{ justify: ['start', 'center', 'between', 'end'] }],
    'align-items': [{ items: any }],
    'align-self': [{ self: any }],
  },
  conflictingClassGroups: {
    ...margin.conflicts,
    ...padding.conflicts,
    size: ['w', 'h'],
    gap: ['gap-x', 'gap-y'],
    'font-size': ['leading'],
  },
  conflictingClassGroupModifiers: { 'font-size': ['leading'] },
  orderSensitiveModifiers: [],
}))

/** Class names, of which a later one wins over an earlier one of its kind. */
export function classes(...names: ClassValue[]): string {
  return merge(clsx(names))
}

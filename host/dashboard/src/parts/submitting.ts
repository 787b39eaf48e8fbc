import type { SubmitEvent } from 'react'

/** Begins a submission that the page itself does. Where something is wrong, the focus goes to the first field that says so. */
export function toFirstFault(event: SubmitEvent<HTMLFormElement>) {
  const form = event.currentTarget
  // The fields say it when they are drawn next.
  requestAnimationFrame(() => form.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus())
}

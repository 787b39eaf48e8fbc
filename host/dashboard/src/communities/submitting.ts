import type { SubmitEvent } from 'react'

/** Where something is wrong in a form that was sent: the focus goes to the first field that says so, with what it says in sight. */
export function toFirstFault(event: SubmitEvent<HTMLFormElement>) {
  const form = event.currentTarget
  // The fields say it when they are drawn next.
  requestAnimationFrame(() => {
    const field = form.querySelector<HTMLElement>('[aria-invalid="true"]')
    field?.focus({ preventScroll: true })
    field?.scrollIntoView({ block: 'center' })
  })
}

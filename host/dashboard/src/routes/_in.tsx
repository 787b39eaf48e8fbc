import { createFileRoute, Outlet, redirect } from '@tanstack/react-router'

/** All pages for who is signed in. Who isn't goes to sign in, and comes back. */
export const Route = createFileRoute('/_in')({
  beforeLoad: ({ context, location }) => {
    const { caller } = context.start
    if (!caller) throw redirect({ to: '/sign-in', search: location.href === '/' ? {} : { return: location.href }, replace: true })
    return { caller }
  },
  component: Outlet,
})

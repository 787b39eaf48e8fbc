/** How files become routes; for the build, and for the types that the compiler wants before it. */
export default {
  target: 'react' as const,
  routesDirectory: './src/routes',
  generatedRouteTree: './src/routes.gen.ts',
  routeFileIgnorePattern: '\\.test\\.',
  quoteStyle: 'single' as const,
  semicolons: false,
}

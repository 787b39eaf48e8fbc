// Writes the tree of routes from the files in src/routes.
import { Generator, getConfig } from '@tanstack/router-generator'
import { loadConfigFromFile } from 'vite'

const root = process.cwd()
const { config: routes } = await loadConfigFromFile({ command: 'build', mode: 'production' }, 'build/routes.config.ts')
await new Generator({ config: getConfig({ ...routes, disableLogging: true }, root), root }).run()

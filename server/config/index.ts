export { explain, secretsOf, type Explained } from './explain.ts';
export { ConfigError, loadConfig, type Loaded, type Surroundings } from './load.ts';
export type { Config } from './schema.ts';
export { configurationPage } from './page.ts';

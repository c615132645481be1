/** For drills, which let many agents loose at once; a site runs the program. */
export { Agent, type World } from './agent.ts';
export { BACKOFF, pauseSeconds } from './backoff.ts';
export { enrol } from './enrol.ts';
export { AgentError } from './errors.ts';
export { EstClient } from './est-client.ts';
export type { Settings } from './settings.ts';
export { openSite, type Site } from './site.ts';
export { askSuggestion } from './suggestion.ts';

/** What is done at the table of a ceremony. A server has no use for it, and begins without what reads YAML. */
export { CEREMONIES, type AuthorityKind, type CeremonyKind } from './config/index.ts';
export { type Held, holdCeremony, type HoldOptions } from './hold.ts';
export { type Program, programHash } from './program.ts';
export type { Room } from './room.ts';
export { ceremonyTemplate, isCeremony } from './templates.ts';
export { type Verified, verifyTranscript } from './verify-transcript.ts';

export { AuthorityError, type AuthorityCode } from './errors.ts';
export { openJournal } from './journal/journal.ts';
export { verifyJournal } from './journal/reader.ts';
export { type Unlock } from './keys/keyring.ts';
export { listKeyFiles, rewrapSigner } from './keys/offline.ts';
export { combineShares, createShares, type ShareSet } from './keys/shares.ts';
export type {
  JournalEntry,
  JournalRecord,
  KeyAlgorithm,
  KeyDescription,
  KeyPurpose,
  KeyRole,
  RevocationRecord,
  SignatureKind,
  Signer,
  SignRequest,
} from './ports/signer.ts';
export { SignerClient, type SignerClientOptions } from './signer/client.ts';
export { readSecretFile, type VaultChoice } from './signer/launch.ts';
export { openSigner, type SignerOptions } from './signer/open.ts';
export { TOKEN_TYPE } from './signer/policy/token.ts';
export {
  startSigner,
  type SupervisedSigner,
  type SupervisorEvent,
  type SupervisorOptions,
} from './signer/supervisor.ts';

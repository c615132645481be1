export { AuthorityError, type AuthorityCode } from './errors.ts';
export { type AuthorityBundle, readAuthorityBundle } from './ceremony/bundle.ts';
export { crlInForce, readCrlFolder, type ReadyCrl } from './ceremony/crl-folder.ts';
export { rootAddresses } from './ceremony/desk.ts';
export { fingerprintOf } from './ceremony/words.ts';
export { createHierarchy, type Hierarchy, type HierarchyOptions } from './ceremony/hierarchy.ts';
export { beginJournal, openJournal } from './journal/journal.ts';
export { verifyJournal } from './journal/reader.ts';
export { SCRYPT_COSTS, type Unlock } from './keys/keyring.ts';
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
export { signerSocketIn } from './signer/socket.ts';
export { type VaultChoice, withSecretFile } from './signer/launch.ts';
export { openSigner, type SignerOptions } from './signer/open.ts';
export { TOKEN_TYPE } from './signer/policy/token.ts';
export {
  startSigner,
  type SupervisedSigner,
  type SupervisorEvent,
  type SupervisorOptions,
} from './signer/supervisor.ts';
export { type Batcher, type BatcherOptions, createBatcher, type Outcome, outcomeOf } from './issue/batcher.ts';
export { CRASH_AT, CRASH_POINTS, crashHook, type CrashHook, type CrashPoint, noCrash } from './issue/crash-points.ts';
export { type Addresses, addressesOf, IssuerGeneration } from './issue/issuer-generation.ts';
export { type Certified, createIssuer, type Issuer, type IssuerOptions, refusal } from './issue/issuer.ts';
export { MemoryCertificateStore, type StoreCall } from './issue/memory-store.ts';
export { isOlder } from './issue/older.ts';
export { type IssueRequest, type KeySource, prepare } from './issue/prepare.ts';
export { prove } from './issue/prove.ts';
export { recover, type Recovery, type Settled } from './issue/recover.ts';
export { checkRequest, REQUEST_MOST_BYTES } from './issue/request.ts';
export { shardOf } from './issue/serial.ts';
export { SIGNATURE_ALGORITHMS } from './issue/signatures.ts';
export { type Host, licenseUri, type Subject } from './issue/subject.ts';
export { keyAlgorithmOf, keyIdentifierOf } from './issue/subject-key.ts';
export type { Ticket } from './issue/ticket.ts';
export type { CertificateStore, Commitment, Context, Intent, Issued, Reservation } from './ports/certificate-store.ts';
export type { Clock } from './ports/clock.ts';
export type { Random } from './ports/random.ts';
export {
  type FinalReason,
  REVOCATION_REASONS,
  REVOCATION_STEPS,
  type RevocationEvent,
  type RevocationState,
} from './ports/revocation.ts';
export type * from './ports/revocation-store.ts';
export type {
  BegunOrder,
  BulkOrder,
  Changing,
  CertificateId,
  ChangeOutcome,
  CountedOutcome,
  Enterprise,
  EntryCursor,
  EntryPage,
  KnownCertificate,
  OrderProgress,
  PublishedCrl,
  RevocationOrder,
  RevocationStore,
  ShardHold,
  ShardId,
  ShardStanding,
} from './ports/revocation-store.ts';
export { packEntries, type RevokedEntry } from './revoke/crl/entries.ts';
export { CRL_SETTINGS, type CrlSettings, isFromFuture } from './revoke/crl/due.ts';
export { type CrlEvent, type CrlPublisherDeps, publishDue, type PublishSummary } from './revoke/crl/publisher.ts';
export { createCrlPublisher, type CrlPublisher, type PublishingOptions } from './revoke/crl/publishing.ts';
export { proveVisible, type Visibility, type VisibilityDeps } from './revoke/visible.ts';
export { type ServedCrl, ServedCrls, type ServedCrlsDeps } from './revoke/crl/served.ts';
export { renewResponders, type RenewalDeps } from './revoke/ocsp/renew.ts';
export { withKey } from './keys/with-key.ts';
export type { OcspAnswer } from './revoke/ocsp/answer.ts';
export {
  createOcspResponder,
  OCSP_SETTINGS,
  type OcspDeps,
  type OcspResponder,
  type OcspSettings,
} from './revoke/ocsp/responder.ts';
export { advanced, beginningOf, NONE as NO_OUTCOMES } from './revoke/order-progress.ts';
export {
  type BulkOptions,
  type ChangingStore,
  createRevoker,
  type EnterpriseOptions,
  type Revoker,
  type RevokerDeps,
} from './revoke/revoker.ts';
export { reasonNumberOf, stateOf, step, whichCounts } from './revoke/steps.ts';
export { loadProfiles, profileHash, type ProfileOverrides, type Profiles } from './profiles/index.ts';
export type { Profile, ProfileName } from './profiles/profile.ts';

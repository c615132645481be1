export { TrustAnchors, type Anchor, type AnchorConstraints, type AnchorSettings } from './anchors.ts';
export { LIMITS, type Limits } from './budget.ts';
export { CODES, type Code } from './codes.ts';
export { sameName } from './names/directory.ts';
export type { RequestedName } from './names/requested.ts';
export type { Finding } from './path/findings.ts';
export { DEFAULT_MAX_DEPTH, type PathOptions, type PathResult } from './path/options.ts';
export type { PolicyOptions } from './path/policies.ts';
export type { Purpose } from './path/usage.ts';
export { verifyPath, verifyPathSync } from './path/verify-path.ts';
export { checkCrl, checkCrlSync, type CrlOptions } from './revocation/crl.ts';
export type { EvidenceResult } from './revocation/evidence.ts';
export { checkOcsp, checkOcspSync, type OcspOptions } from './revocation/ocsp.ts';
export { hasSynchronousCrypto } from './signatures/engine.ts';
export { fingerprintDigest } from './binding.ts';
export {
  CLOCK_TOLERANCE_MS,
  formatHighWater,
  type HighWater,
  NO_HIGH_WATER,
  parseHighWater,
  raise as raiseHighWater,
} from './high-water.ts';
export { verifyLicense, verifyLicenseSync } from './license.ts';
export type { LicenseOptions, Notice } from './license-options.ts';
export { CHALLENGE_BYTES, type Possession, possessionMessage } from './possession.ts';
export { isRenewalProof, renewalMessage } from './renewal-proof.ts';
export {
  isRequestProof,
  requestMessage,
  requestSignature,
  signatureInput,
  type SignedRequest,
} from './request-proof.ts';
export type { Requirements } from './requirements.ts';
export {
  type Evidence,
  type Finding as LicenseFinding,
  type Holder,
  type Severity,
  type State,
  STATES,
  type Verdict,
} from './verdict.ts';

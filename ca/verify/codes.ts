/**
 * Everything a verifier can say, with what it means. Codes are API: they never change their meaning, and new ones are
 * only added. The list is data, so that the command line and the documentation can print it.
 */
export const CODES = {
  // a license that works, and what is worth knowing about it
  VALID: 'everything that was asked for holds',
  RENEW_SOON: 'the license is in the last third of its life and should have been renewed',
  IN_GRACE: 'the license has expired and still works for the grace that it grants',
  CLAIMS_TRIMMED: 'the certificate says more than its issuer may give; the excess was cut off',

  // the path from the certificate to a trust anchor (RFC 5280 section 6)
  MALFORMED: 'the bytes are no certificate, CRL, OCSP response or bundle that we can read',
  CHAIN_INCOMPLETE: 'no certificate at hand issued this one, and no trust anchor did',
  ROOT_UNTRUSTED: 'the path ends in a self-issued certificate that is no trust anchor',
  SIGNATURE_INVALID: 'a signature does not verify with the key of the issuer',
  ALGORITHM_REFUSED: 'a key or signature algorithm is weak, unknown or used in a form that we refuse',
  NOT_YET_VALID: 'the certificate is not valid yet',
  EXPIRED: 'the certificate is not valid any more',
  ISSUER_NOT_YET_VALID: 'a certificate above is not valid yet',
  ISSUER_EXPIRED: 'a certificate above is not valid any more',
  PATH_TOO_LONG: 'more certificates stand between anchor and leaf than a path length or the caller allows',
  NAME_NOT_PERMITTED: 'a name lies outside the name constraints of a certificate above',
  NAME_MISMATCH: 'the certificate is not for a name that was asked for',
  USAGE_INVALID: 'the key usage, the extended key usage or the basic constraints do not allow this use',
  POLICY_NOT_SATISFIED: 'no acceptable certificate policy holds along the whole path',
  EXTENSION_UNKNOWN: 'a critical extension is unknown or cannot be processed',
  PROFILE_VIOLATION: 'a certificate breaks a rule of the RFC 5280 profile',
  BUDGET_EXCEEDED: 'finding a path would take more work than the verifier spends',

  // revocation
  REVOKED: 'the certificate is revoked',
  ISSUER_REVOKED: 'a certificate above is revoked or on hold',
  SUSPENDED: 'the certificate is on hold',
  SUPERSEDED: 'a newer license of this lineage or contract has taken its place',
  STATUS_UNKNOWN: 'nothing usable says whether the certificate is revoked',
  STATUS_STALE: 'what says whether the certificate is revoked is out of date',
  STATUS_ROLLED_BACK: 'the revocation list is older than one that was already seen',

  // the claims
  CLAIMS_MISSING: 'a certificate of the chain carries no license claims',
  CLAIMS_VERSION: 'the license claims are of a version that this verifier does not know',
  TERM_ENDED: 'the commercial term has ended or not begun',
  FEATURE_MISSING: 'a feature that was asked for is not licensed',
  TIER_TOO_LOW: 'the licensed tier is below the one that was asked for',
  MODE_MISMATCH: 'the license is not for the mode that was asked for',
  LIMIT_EXCEEDED: 'more was asked for than a limit allows',

  // who holds the license, where and when
  POSSESSION_FAILED: 'the holder could not prove to have the private key of the license',
  BINDING_MISMATCH: 'the license is bound to another machine',
  CLONED: 'the license is used in more than one place',
  CLOCK_ROLLBACK: 'the clock stands before a time that was already seen',
  CONTACT_OVERDUE: 'there was no fresh evidence for longer than the license allows',
  REPORT_OVERDUE: 'a usage report is overdue',
  RATE_LIMITED: 'the authority asked to come back later',
  AUTHORITY_UNAVAILABLE: 'the authority could not be reached',
} as const;

export type Code = keyof typeof CODES;

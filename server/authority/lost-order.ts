import { hash } from 'node:crypto';
import {
  type Intent,
  type Issued,
  type KeyDescription,
  loadProfiles,
  type ProfileName,
  profileHash,
  prove,
  shardOf,
} from '@licet/authority';
import {
  type Bytes,
  type Certificate,
  type Claims,
  decodeCertificate,
  decodeClaims,
  DerReader,
  encodeCertificate,
  explicit,
  OID,
  Tag,
  toHex,
} from '@licet/format';
import type { Opened } from './directory.ts';
import { UNKNOWN_OWNER } from './ports/journal-marks.ts';

/** An order of the journal to sign a certificate: its bytes, and the signature where one was made. */
export type JournalOrder = {
  readonly issuer: string;
  readonly serial: Uint8Array;
  readonly tbs: Uint8Array;
  readonly at: Date;
  readonly signature: Uint8Array | undefined;
};

const TBS_LIMITS = { size: 65_536, depth: 4, nodes: 8 };
const profiles = loadProfiles();

/** The serial number alone: this is asked of every certificate that was signed since the last look. */
export function serialOf(tbs: Bytes): Bytes {
  const reader = new DerReader(tbs, 'tbs', TBS_LIMITS);
  reader.enter(Tag.SEQUENCE, '');
  reader.skip(explicit(0), 'version');
  return reader.integer('serial');
}

/**
 * What the store would have kept of the order, as far as the certificate tells it. Who asked, and with which CSR, is
 * lost with the database: the same request made again gets a new certificate.
 */
export function issuedFrom(
  { tbs, signature, at, issuer, serial }: JournalOrder & { signature: Uint8Array },
  by: Opened,
): Issued {
  const certificate = prove(tbs, signature, by.generation, at);
  const read = decodeCertificate(certificate);
  const profile = profileOf(read);
  const { organization, enterprise } = tenantOf(read, by);
  const claims = claimsIn(read);
  const intent: Intent = {
    issuer,
    serial,
    request: hash('sha256', tbs, 'buffer'),
    csr: new Uint8Array(32),
    publicKey: hash('sha256', read.publicKey.raw, 'buffer'),
    // The claims of a CA speak of its contract, and of its key they tell nothing.
    keyOwner: profile === 'site' && claims !== undefined ? `lineage ${claims.id}` : UNKNOWN_OWNER + toHex(serial),
    tbs,
    profile,
    profileHash: profileHash(profiles[profile]),
    claims,
    organization,
    enterprise,
    notBefore: read.notBefore,
    notAfter: read.notAfter,
    crlShard: shardIn(serial, by),
    // By this name the CAs of a contract are asked for (`delegatedOf`).
    context: {
      principal: 'reconcile',
      ...(claims && { [profile === 'enterprise' ? 'contract' : 'grant']: claims.id }),
    },
    at,
  };
  return { intent, certificate, at };
}

/** What is certain of an order that was never finished: the serial is taken. */
export function takenBy({ issuer, serial, tbs }: JournalOrder, by: Opened) {
  const read = decodeCertificate(encodeCertificate(tbs, { raw: signatureAlgorithmIn(tbs) }, UNSIGNED));
  const { organization } = by.authority;
  const grace = claimsIn(read)?.grace ?? 0;
  return { issuer, serial, organization, crlShard: shardIn(serial, by), notAfter: read.notAfter, grace };
}

function claimsIn({ extensions }: Certificate): Claims | undefined {
  const found = extensions.all.find(({ oid }) => oid === OID.licenseClaims);
  return found && decodeClaims(found.value);
}

/** In place of a signature that was never made; the decoder looks at its form only. */
const UNSIGNED = new Uint8Array(64);

function signatureAlgorithmIn(tbs: Bytes): Bytes {
  const reader = new DerReader(tbs, 'tbs', TBS_LIMITS);
  reader.enter(Tag.SEQUENCE, '');
  reader.skip(explicit(0), 'version');
  reader.skip(Tag.INTEGER, 'serial');
  const start = reader.position;
  reader.skip(Tag.SEQUENCE, 'signature');
  return reader.since(start);
}

const shardIn = (serial: Bytes, { authority }: Opened): number => shardOf(serial, authority.addresses.crls.length);

/** By what only this profile has; the signer and `prove` have judged the rest. */
function profileOf({ extensions, issuer, subject }: Certificate): ProfileName {
  const { basicConstraints, extendedKeyUsage = [], all } = extensions;
  if (basicConstraints?.ca === true) {
    if (all.some(({ oid }) => oid === OID.licenseClaims)) {
      return basicConstraints.pathLength === 0 ? 'enterprise' : 'organization';
    }
    return Buffer.compare(issuer.raw, subject.raw) === 0 ? 'root' : 'service-ca';
  }
  if (extendedKeyUsage.includes(OID.licensePurpose)) return 'site';
  if (extendedKeyUsage.includes(OID.ocspSigning)) return 'ocsp';
  if (extendedKeyUsage.includes(OID.manifestPurpose)) return 'manifest';
  return 'service';
}

function tenantOf({ subject }: Certificate, { authority }: Opened) {
  const value = (wanted: string) => subject.rdns.flat().find(({ oid }) => oid === wanted)?.value;
  return {
    organization: value(OID.organizationName) ?? authority.organization,
    enterprise: value(OID.organizationalUnitName) ?? authority.enterprise,
  };
}

/** A key's own certificate, for an authority that the database has forgotten. */
export function certificateOf(key: KeyDescription): Certificate | undefined {
  return key.certificate && decodeCertificate(key.certificate);
}

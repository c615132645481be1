import { constants, createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import {
  type Bytes,
  type CrlEntryFields,
  createName,
  encodeCertificate,
  encodeCertificateList,
  encodeTbsCertificate,
  encodeTbsCertificateList,
  extension,
  fromHex,
  type GeneralName,
  type Name,
  OID,
  type RawExtension,
} from '@licet/format';

/*
 * Certificates and CRLs in the form of x509-limbo's: sound unless something is said, and anything can be said.
 */

export const AT: Date = new Date('2026-06-15T12:00:00Z');
const YEAR = 365 * 86_400_000;
const FROM = new Date(AT.getTime() - YEAR);
const TO = new Date(AT.getTime() + YEAR);

export type KeyPair = {
  readonly privateKey: KeyObject;
  readonly spki: Bytes;
  readonly id: Bytes;
  readonly hash: string;
};

export function keyPair(
  make: () => { privateKey: KeyObject; publicKey: KeyObject } = () =>
    generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  hash = 'sha256',
): KeyPair {
  const { privateKey, publicKey } = make();
  const spki = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }));
  return { privateKey, spki, id: new Uint8Array(createHash('sha1').update(spki).digest()), hash };
}

/** Key generation is what such tests spend their time on, and which key it is matters to few of them. */
const spare: KeyPair[] = Array.from({ length: 6 }, () => keyPair());
let handedOut = 0;
export const anyKey = (): KeyPair => spare[(handedOut += 1) % spare.length]!;

/** RSASSA-PSS with SHA-256 and a salt of so many octets, RFC 4055 §3.1. */
function pss(salt: number): Bytes {
  const sha256 = '300d06096086480165030402010500';
  const length = salt < 128 ? `0201${salt.toString(16).padStart(2, '0')}` : `020200${salt.toString(16)}`;
  const fields = [`a00f${sha256}`, `a11c301a06092a864886f70d010108${sha256}`, `a2${octets(length)}${length}`].join('');
  const content = `06092a864886f70d01010a30${octets(fields)}${fields}`;
  return fromHex(`30${octets(content)}${content}`);
}

function octets(hex: string): string {
  return (hex.length / 2).toString(16).padStart(2, '0');
}

export const ALGORITHM = {
  ecdsaSha256: fromHex('300a06082a8648ce3d040302'),
  ecdsaSha384: fromHex('300a06082a8648ce3d040303'),
  ecdsaSha512: fromHex('300a06082a8648ce3d040304'),
  ecdsaSha1: fromHex('300906072a8648ce3d0401'),
  rsaSha256: fromHex('300d06092a864886f70d01010b0500'),
  rsaSha1: fromHex('300d06092a864886f70d0101050500'),
  rsaPss32: pss(32),
  rsaPss222: pss(222),
  rsaPss16: pss(16),
  ed25519: fromHex('300506032b6570'),
  mlDsa65: fromHex('300b0609608648016503040312'),
} as const;

const SALTS = new Map<Bytes, number>([
  [ALGORITHM.rsaPss16, 16],
  [ALGORITHM.rsaPss32, 32],
  [ALGORITHM.rsaPss222, 222],
]);

export type Wish = {
  readonly subject?: string | Name;
  readonly issuer?: Name;
  readonly key?: KeyPair;
  readonly serial?: Bytes;
  readonly version?: 1 | 2 | 3;
  readonly from?: Date;
  readonly to?: Date;
  readonly algorithm?: Bytes;
  /** Put in place of the usual extension of the same kind; undefined leaves it out. */
  readonly with?: Partial<Record<keyof typeof OID | (string & {}), RawExtension | undefined>>;
  readonly pathLength?: number;
  /** Signed by another key than the issuer's. */
  readonly signer?: KeyPair;
};

export type Made = { readonly der: Bytes; readonly name: Name; readonly key: KeyPair; readonly serial: Bytes };

export const name = (text: string): Name => createName(text === '' ? [] : [{ type: 'commonName', value: text }]);
export const dns = (value: string): GeneralName => ({ kind: 'dns', value });

let serials = 0;
function nextSerial(): Bytes {
  serials += 1;
  return fromHex(`40${serials.toString(16).padStart(14, '0')}`);
}

function make(usual: Record<string, RawExtension>, issuer: Made | undefined, wish: Wish): Made {
  const key = wish.key ?? anyKey();
  const subject = typeof wish.subject === 'object' ? wish.subject : name(wish.subject ?? `subject ${serials + 1}`);
  const serial = wish.serial ?? nextSerial();
  const all: Record<string, RawExtension | undefined> = {
    authorityKeyIdentifier: extension.authorityKeyIdentifier({ keyIdentifier: (issuer?.key ?? key).id }),
    subjectKeyIdentifier: extension.subjectKeyIdentifier(key.id),
    ...usual,
    ...wish.with,
  };
  const algorithm = { raw: wish.algorithm ?? ALGORITHM.ecdsaSha256 };
  const tbs = encodeTbsCertificate({
    ...(wish.version === undefined ? {} : { version: wish.version }),
    serial,
    signatureAlgorithm: algorithm,
    issuer: wish.issuer ?? issuer?.name ?? subject,
    notBefore: wish.from ?? FROM,
    notAfter: wish.to ?? TO,
    subject,
    publicKey: { raw: key.spki },
    extensions: wish.version === 1 ? [] : Object.values(all).filter((one) => one !== undefined),
  });
  const signer = wish.signer ?? issuer?.key ?? key;
  return { der: encodeCertificate(tbs, algorithm, signBytes(tbs, signer, algorithm.raw)), name: subject, key, serial };
}

function signBytes(message: Bytes, signer: KeyPair, algorithm: Bytes): Bytes {
  const weak = algorithm === ALGORITHM.ecdsaSha1 || algorithm === ALGORITHM.rsaSha1;
  const { asymmetricKeyType } = signer.privateKey;
  // These hash by themselves.
  const whole = asymmetricKeyType === 'ed25519' || asymmetricKeyType === 'ml-dsa-65';
  const hash = whole ? null : weak ? 'sha1' : signer.hash;
  const saltLength = SALTS.get(algorithm);
  const padding = saltLength === undefined ? {} : { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
  return new Uint8Array(sign(hash, message, { key: signer.privateKey, ...padding }));
}

const caExtensions = (pathLength?: number): Record<string, RawExtension> => ({
  basicConstraints: extension.basicConstraints({ ca: true, pathLength }),
  keyUsage: extension.keyUsage(['keyCertSign', 'cRLSign']),
});

export function root(wish: Wish = {}): Made {
  return make(caExtensions(wish.pathLength), undefined, { subject: 'root', ...wish });
}

export function ca(issuer: Made, wish: Wish = {}): Made {
  return make(caExtensions(wish.pathLength), issuer, wish);
}

export function leaf(issuer: Made, wish: Wish = {}): Made {
  const usual = {
    basicConstraints: extension.basicConstraints({ ca: false }),
    keyUsage: extension.keyUsage(['digitalSignature']),
    extendedKeyUsage: extension.extendedKeyUsage([OID.serverAuth]),
    subjectAltName: extension.subjectAltName([dns('example.com')]),
  };
  return make(usual, issuer, wish);
}

export type CrlWish = {
  readonly issuer?: Name;
  readonly entries?: readonly CrlEntryFields[];
  readonly number?: number | undefined;
  readonly from?: Date;
  readonly to?: Date | undefined;
  readonly extensions?: readonly RawExtension[];
  readonly signer?: KeyPair;
  readonly algorithm?: Bytes;
};

const WEEK = 7 * 86_400_000;

export function crl(issuer: Made, wish: CrlWish = {}): Bytes {
  const algorithm = { raw: wish.algorithm ?? ALGORITHM.ecdsaSha256 };
  const number = 'number' in wish ? wish.number : 7;
  const tbs = encodeTbsCertificateList(
    {
      signatureAlgorithm: algorithm,
      issuer: wish.issuer ?? issuer.name,
      thisUpdate: wish.from ?? new Date(AT.getTime() - WEEK),
      nextUpdate: 'to' in wish ? wish.to : new Date(AT.getTime() + WEEK),
      extensions: [
        extension.authorityKeyIdentifier({ keyIdentifier: issuer.key.id }),
        ...(number === undefined ? [] : [extension.crlNumber(number)]),
        ...(wish.extensions ?? []),
      ],
    },
    wish.entries ?? [],
  );
  return encodeCertificateList(tbs, algorithm, signBytes(tbs, wish.signer ?? issuer.key, algorithm.raw));
}

export const revoke = (made: Made, fields: Partial<CrlEntryFields> = {}): CrlEntryFields => ({
  serial: made.serial,
  revokedAt: new Date(AT.getTime() - WEEK),
  ...fields,
});

/** The same extension with the other criticality. */
export const flip = (one: RawExtension): RawExtension => ({ ...one, critical: !one.critical });

import { createHash, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import {
  type Bytes,
  type Claims,
  createName,
  type CrlEntryFields,
  encodeCertificate,
  encodeCertificateList,
  encodeClaims,
  encodePem,
  encodeTbsCertificate,
  encodeTbsCertificateList,
  extension,
  fromHex,
  type Name,
  OID,
  type RawExtension,
} from '@licet/format';
import { TrustAnchors } from '../anchors.ts';

/*
 * Authorities and licenses for tests, as the real profiles make them, with a handle on everything: a hostile authority
 * signs whatever it likes.
 */

export const NOW: Date = new Date('2026-06-15T12:00:00Z');
export const DAY = 86_400_000;

export const days = (count: number, from: Date = NOW): Date => new Date(from.getTime() + count * DAY);

const ECDSA_SHA256 = { raw: fromHex('300a06082a8648ce3d040302') };

export const CLAIMS: Claims = {
  id: '11111111-2222-4333-8444-555555555555',
  sequence: 1,
  modes: ['production', 'development', 'recovery'],
  tier: { rank: 30, code: 'enterprise' },
  features: ['app', 'app/export', 'app/sso', 'base'],
  limits: [
    { code: 'nodes', max: 10, scope: 'each', enforce: 'hard' },
    { code: 'projects', max: 5, scope: 'each', enforce: 'soft' },
    { code: 'users', max: 100, scope: 'pool', enforce: 'report' },
  ],
  term: { from: new Date('2026-01-01T00:00:00Z'), to: new Date('2027-01-01T00:00:00Z') },
  grace: 14 * 86_400,
  contact: 90 * 86_400,
  degrade: 'readOnly',
};

export type Party = {
  readonly name: Name;
  readonly key: KeyObject;
  readonly publicKey: Bytes;
  readonly keyId: Bytes;
  readonly certificate: Bytes;
};

export type Wish = {
  readonly subject: readonly (readonly [type: string, value: string])[];
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly serial?: Bytes;
  readonly claims?: Claims | Bytes | undefined;
  readonly extensions: readonly RawExtension[];
  /** Instead of a new one: a renewal under the same key. */
  readonly keys?: Pick<Party, 'key' | 'publicKey'>;
};

/** Signs exactly what is wished; without an issuer, by itself. */
export function issue(issuer: Party | undefined, wish: Wish): Party {
  const { key, publicKey } = wish.keys ?? newKey();
  const name = createName(wish.subject.map(([type, value]) => ({ type, value })));
  const keyId = createHash('sha1').update(publicKey).digest();
  const claims = wish.claims instanceof Uint8Array ? wish.claims : wish.claims && encodeClaims(wish.claims);
  const tbs = encodeTbsCertificate({
    serial: wish.serial ?? fromHex(`4${randomUUID().replaceAll('-', '').slice(1)}`),
    signatureAlgorithm: ECDSA_SHA256,
    issuer: issuer?.name ?? name,
    notBefore: wish.notBefore ?? days(-10),
    notAfter: wish.notAfter ?? days(20),
    subject: name,
    publicKey: { raw: publicKey },
    extensions: [
      extension.subjectKeyIdentifier(keyId),
      extension.authorityKeyIdentifier({ keyIdentifier: issuer?.keyId ?? keyId }),
      ...wish.extensions,
      ...(claims ? [{ oid: OID.licenseClaims, critical: false, value: claims }] : []),
    ],
  });
  const certificate = encodeCertificate(tbs, ECDSA_SHA256, sign('sha256', tbs, issuer?.key ?? key));
  return { name, key, publicKey, keyId, certificate };
}

export function newKey(): Pick<Party, 'key' | 'publicKey'> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { key: privateKey, publicKey: publicKey.export({ type: 'spki', format: 'der' }) };
}

const caUsage = extension.keyUsage(['keyCertSign', 'cRLSign']);
const licensePolicy = extension.certificatePolicies([OID.licensePolicy]);

export function makeRoot(change: Partial<Wish> = {}): Party {
  return issue(undefined, {
    subject: [['commonName', 'Test Root']],
    notBefore: days(-1000),
    notAfter: days(5000),
    extensions: [extension.basicConstraints({ ca: true }), caUsage],
    ...change,
  });
}

/** The key of one root, certified by another of the same name (RFC 4210 §4.4). */
export function makeLink(by: Party, of: Pick<Party, 'key' | 'publicKey'>, change: Partial<Wish> = {}): Party {
  return issue(by, {
    subject: [['commonName', 'Test Root']],
    notBefore: days(-600),
    notAfter: days(4000),
    keys: of,
    extensions: [
      extension.basicConstraints({ ca: true, pathLength: 2 }),
      caUsage,
      extension.certificatePolicies([OID.anyPolicy]),
    ],
    ...change,
  });
}

export function makeOrganization(root: Party, change: Partial<Wish> = {}): Party {
  const name = createName([{ type: 'organizationName', value: 'acme' }]);
  return issue(root, {
    subject: [['organizationName', 'acme']],
    notBefore: days(-500),
    notAfter: days(1000),
    claims: CLAIMS,
    extensions: [
      extension.basicConstraints({ ca: true, pathLength: 1 }),
      caUsage,
      licensePolicy,
      extension.nameConstraints({
        permitted: [
          { kind: 'directory', name },
          { kind: 'uri', value: '.acme' },
        ],
      }),
    ],
    ...change,
  });
}

export function makeEnterprise(organization: Party, change: Partial<Wish> = {}): Party {
  const subject: Wish['subject'] = [
    ['organizationName', 'acme'],
    ['organizationalUnitName', 'globex'],
  ];
  const name = createName(subject.map(([type, value]) => ({ type, value })));
  return issue(organization, {
    subject,
    notBefore: days(-200),
    notAfter: days(300),
    claims: CLAIMS,
    extensions: [
      extension.basicConstraints({ ca: true, pathLength: 0 }),
      caUsage,
      licensePolicy,
      extension.nameConstraints({
        permitted: [
          { kind: 'directory', name },
          { kind: 'uri', value: 'globex.acme' },
        ],
      }),
    ],
    ...change,
  });
}

export const SITE_CLAIMS: Claims = { ...CLAIMS, modes: ['production'], sequence: 5 };

export function siteExtensions(uri = 'license://globex.acme/plant-7'): RawExtension[] {
  return [
    extension.basicConstraints({ ca: false }),
    extension.keyUsage(['digitalSignature']),
    extension.extendedKeyUsage([OID.licensePurpose, OID.clientAuth]),
    licensePolicy,
    extension.subjectAltName([{ kind: 'uri', value: uri }]),
  ];
}

export function makeSite(enterprise: Party, change: Partial<Wish> = {}): Party {
  return issue(enterprise, {
    subject: [
      ['organizationName', 'acme'],
      ['organizationalUnitName', 'globex'],
      ['commonName', 'plant-7'],
    ],
    claims: SITE_CLAIMS,
    extensions: siteExtensions(),
    ...change,
  });
}

export function makeCrl(
  issuer: Party,
  options: { number?: number; thisUpdate?: Date; nextUpdate?: Date; entries?: readonly CrlEntryFields[] } = {},
): Uint8Array<ArrayBuffer> {
  const tbs = encodeTbsCertificateList(
    {
      signatureAlgorithm: ECDSA_SHA256,
      issuer: issuer.name,
      thisUpdate: options.thisUpdate ?? days(-1),
      nextUpdate: options.nextUpdate ?? days(6),
      extensions: [
        extension.authorityKeyIdentifier({ keyIdentifier: issuer.keyId }),
        extension.crlNumber(options.number ?? 1),
      ],
    },
    options.entries ?? [],
  );
  return encodeCertificateList(tbs, ECDSA_SHA256, sign('sha256', tbs, issuer.key));
}

/** `site.lic`: the license first, then its chain. */
export function bundle(...parties: readonly Party[]): string {
  return parties.map(({ certificate }) => encodePem('CERTIFICATE', certificate)).join('');
}

/** One good hierarchy, made once; tests put their own pieces into it. */
export const root: Party = makeRoot();
export const organization: Party = makeOrganization(root);
export const enterprise: Party = makeEnterprise(organization);
export const site: Party = makeSite(enterprise);
export const anchors: TrustAnchors = TrustAnchors.fromDer([root.certificate]);

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  OID,
  createName,
  encodeCertificate,
  encodeClaims,
  encodeTbsCertificate,
  extension,
  type Claims,
  type Name,
  type RawExtension,
} from '@licet/format';
import { SIGNATURE_ALGORITHMS } from '../../issue/signatures.ts';
import type { KeyAlgorithm, KeyDescription, Signer } from '../../ports/signer.ts';

export const NOW = new Date('2027-01-01T00:00:00Z');
export const clock = { now: () => NOW };
export const PASSPHRASE = 'correct horse battery staple';
/** The real scrypt cost is a third of a second, which only the test that measures it pays. */
export const FAST = { scryptCost: 2 ** 10 };

export function passphrase(text = PASSPHRASE): { readonly passphrase: Uint8Array } {
  return { passphrase: new Uint8Array(Buffer.from(text)) };
}

/** A folder of its own for each test, gone after it. */
export function withFolder(): () => string {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'licet-test-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  return () => folder;
}

export const CLAIMS: Claims = {
  id: '00000000-0000-4000-8000-000000000001',
  sequence: 1,
  modes: ['production', 'development'],
  tier: { rank: 20, code: 'gold' },
  features: ['acme', 'acme/export'],
  limits: [{ code: 'seats', max: 50, scope: 'each', enforce: 'hard' }],
  term: { from: new Date('2027-01-01T00:00:00Z'), to: new Date('2029-01-01T00:00:00Z') },
  grace: 86_400,
  contact: 86_400,
  degrade: 'stop',
};

export function claimsExtension(claims: Claims = CLAIMS): RawExtension {
  return { oid: OID.licenseClaims, critical: false, value: encodeClaims(claims) };
}

const CA_USAGE = extension.keyUsage(['keyCertSign', 'cRLSign']);
export const LEAF_USAGE = extension.keyUsage(['digitalSignature']);

export function ca(pathLength: number, ...more: RawExtension[]): RawExtension[] {
  return [extension.basicConstraints({ ca: true, pathLength }), CA_USAGE, ...more];
}

export function leaf(purposes: readonly string[], ...more: RawExtension[]): RawExtension[] {
  return [LEAF_USAGE, extension.extendedKeyUsage(purposes), ...more];
}

export function name(organization: string, enterprise?: string, site?: string): Name {
  return createName([
    { type: 'organizationName', value: organization },
    ...(enterprise === undefined ? [] : [{ type: 'organizationalUnitName', value: enterprise }]),
    ...(site === undefined ? [] : [{ type: 'commonName', value: site }]),
  ]);
}

export const ROOT_NAME = createName([{ type: 'commonName', value: 'Root' }]);

/** The key of somebody else: a site, a server. */
export const SUBJECT_KEY = new Uint8Array(
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'der', type: 'spki' }),
);

export type TbsInput = {
  readonly issuer: Name;
  readonly subject: Name;
  readonly extensions: readonly RawExtension[];
  readonly publicKey?: Uint8Array;
  readonly algorithm?: KeyAlgorithm;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly serial?: Uint8Array;
};

export function tbs(input: TbsInput): Uint8Array {
  return encodeTbsCertificate({
    serial: input.serial ?? Buffer.concat([Buffer.of(0x40), randomBytes(15)]),
    signatureAlgorithm: { raw: SIGNATURE_ALGORITHMS[input.algorithm ?? 'P-256'] },
    issuer: input.issuer,
    notBefore: input.notBefore ?? new Date('2027-01-01T00:00:00Z'),
    notAfter: input.notAfter ?? new Date('2028-01-01T00:00:00Z'),
    subject: input.subject,
    publicKey: { raw: input.publicKey ?? SUBJECT_KEY },
    extensions: input.extensions,
  });
}

export type Hierarchy = {
  readonly root: KeyDescription;
  readonly organization: KeyDescription;
  readonly enterprise: KeyDescription;
  readonly service: KeyDescription;
};

const CA_END = new Date('2032-01-01T00:00:00Z');

/** Root, organization "Acme", enterprise "Globex" and a service CA, all made through the signer itself. */
export async function createHierarchy(signer: Signer, algorithm: KeyAlgorithm = 'P-256'): Promise<Hierarchy> {
  const make = async (purpose: KeyDescription['purpose'], enterprise?: string) =>
    signer.createKey({ purpose, algorithm, organization: 'Acme', ...(enterprise !== undefined && { enterprise }) });
  const root = await make('root');
  const organization = await make('organization');
  const enterprise = await make('enterprise', 'Globex');
  const service = await make('service');

  const certify = async (key: KeyDescription, by: KeyDescription, input: TbsInput, issuer?: Uint8Array) => {
    const bytes = tbs({ ...input, publicKey: key.publicKey, algorithm, notAfter: CA_END });
    const [signature] = await signer.sign([{ key: by.id, kind: 'certificate', bytes }]);
    const der = encodeCertificate(bytes, { raw: SIGNATURE_ALGORITHMS[algorithm] }, signature!);
    await signer.bindCertificate(key.id, der, issuer);
    return der;
  };
  const org = name('Acme');
  const rootDer = await certify(root, root, { issuer: ROOT_NAME, subject: ROOT_NAME, extensions: ca(2) });
  const below = { issuer: ROOT_NAME, subject: org, extensions: ca(1, claimsExtension()) };
  const orgDer = await certify(organization, root, below, rootDer);
  await certify(
    enterprise,
    organization,
    { issuer: org, subject: name('Acme', 'Globex'), extensions: ca(0, claimsExtension()) },
    orgDer,
  );
  await certify(
    service,
    root,
    { issuer: ROOT_NAME, subject: name('Acme', undefined, 'Service CA'), extensions: ca(0) },
    rootDer,
  );
  const all = new Map((await signer.keys()).map((key) => [key.id, key]));
  const again = (key: KeyDescription) => all.get(key.id)!;
  return {
    root: again(root),
    organization: again(organization),
    enterprise: again(enterprise),
    service: again(service),
  };
}

export function licenseTbs(site = 'Berlin', more: Partial<TbsInput> = {}): Uint8Array {
  return tbs({
    issuer: name('Acme', 'Globex'),
    subject: name('Acme', 'Globex', site),
    extensions: leaf([OID.licensePurpose, OID.clientAuth], claimsExtension()),
    notAfter: new Date('2027-01-30T23:59:59Z'),
    ...more,
  });
}

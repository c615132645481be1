import 'reflect-metadata';
import { generateKeyPairSync, type KeyObject, randomBytes, sign, webcrypto } from 'node:crypto';
import {
  addressesOf,
  type IssueRequest,
  IssuerGeneration,
  type KeyDescription,
  type KeyPurpose,
  loadProfiles,
  prepare,
  prove,
} from '@licet/authority';
import {
  type Bytes,
  type Claims,
  createName,
  decodeCertificate,
  decodeCertificationRequest,
  encodeCertificationRequest,
  encodeCertificationRequestInfo,
  encodeClaims,
  fromHex,
  OID,
} from '@licet/format';
import * as x509 from '@peculiar/x509';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import { bareLicense } from '../load/yardstick.ts';
import { answerWith, beside, type Pair, percent, share } from '../beside.ts';
import type { Row } from '../row.ts';

const BAR = 0.6;
const NOW = new Date('2026-11-21T12:00:00Z');
const ECDSA_SHA256 = { raw: fromHex('300a06082a8648ce3d040302') };

const CLAIMS: Claims = {
  id: '00000000-0000-4000-8000-000000000001',
  sequence: 1,
  modes: ['production'],
  tier: { rank: 20, code: 'gold' },
  features: ['press', 'press/remote'],
  limits: [{ code: 'machines', max: 10, scope: 'each', enforce: 'soft' }],
  term: { from: new Date('2026-01-01T00:00:00Z'), to: new Date('2028-01-01T00:00:00Z') },
  grace: 1_209_600,
  contact: 604_800,
  degrade: 'readOnly',
};

/**
 * P1: CSR bytes → strict parse, proof of possession, claims, lint, sign, prove with our own verifier → DER, against a
 * bare loop of the cryptography in it: one key import from DER, two P-256 verifications, one signature. The libraries do
 * less: they neither lint nor verify what they made. Each is measured in a thread of its own, in turns with the bare loop.
 */
export async function run(): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const name of ['ours', '@peculiar/x509', 'pkijs']) {
    const { least, middle, most, rate } = share(await beside(import.meta.filename, name));
    const isOurs = name === 'ours';
    rows.push({
      id: 'P1',
      what: isOurs ? 'issue in process against the bare cryptography' : `the same with ${name}, without lint and proof`,
      bar: isOurs ? `≥ ${percent(BAR)} of the bare cryptography` : '',
      figure: `${percent(middle)} (${Math.round(rate)}/s)`,
      spread: `${percent(least)} to ${percent(most)}`,
      pass: !isOurs || middle >= BAR,
    });
  }
  return rows;
}

type Work = (csr: () => Bytes, issuer: IssuerGeneration, privateKey: KeyObject) => Pair['work'] | Promise<Pair['work']>;

async function pairOf(make: Work): Promise<Pair> {
  const { issuer, privateKey, publicKey } = hierarchy();
  const csrs = Array.from({ length: 200 }, makeCsr);
  let next = 0;
  const csr = () => csrs[next++ % csrs.length]!;
  return { bare: bare(csrs, privateKey, publicKey), work: await make(csr, issuer, privateKey) };
}

function bare(csrs: readonly Bytes[], privateKey: KeyObject, publicKey: KeyObject): Pair['bare'] {
  const requests = csrs.map((der) => {
    const { info, publicKey: key, signature } = decodeCertificationRequest(der);
    return { info: info.slice(), key: Buffer.from(key.raw), signature: signature.slice() };
  });
  const tbs = randomBytes(850);
  return (turn) => bareLicense(requests[turn % requests.length]!, { publicKey, privateKey }, tbs);
}

const profiles = loadProfiles();
const random = { bytes: (length: number) => randomBytes(length) };

function siteRequest(csr: Bytes, issuer: IssuerGeneration): IssueRequest {
  return {
    profile: profiles.site,
    issuer,
    key: { csr },
    subject: { organization: 'acme', enterprise: 'globex', commonName: 'plant-7' },
    claims: CLAIMS,
    principal: 'site plant-7',
    keyOwner: 'plant-7',
    context: {},
  };
}

function ours(csr: Bytes, issuer: IssuerGeneration, privateKey: KeyObject): Bytes {
  const ticket = prepare(siteRequest(csr, issuer), { now: NOW, random });
  ticket.redeem();
  const { tbs } = ticket.intent;
  return prove(tbs, sign('sha256', tbs, privateKey), issuer, NOW, ticket.preview);
}

function makeCsr(): Bytes {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const info = encodeCertificationRequestInfo({
    subject: createName([{ type: 'commonName', value: 'plant-7' }]),
    publicKey: { raw: publicKey.export({ type: 'spki', format: 'der' }) },
  });
  return encodeCertificationRequest(info, ECDSA_SHA256, sign('sha256', info, privateKey));
}

/** Root, organization and enterprise, made as a ceremony would make them. */
function hierarchy(): { issuer: IssuerGeneration; privateKey: KeyObject; publicKey: KeyObject } {
  const below = (purpose: KeyPurpose, above?: { generation: IssuerGeneration; privateKey: KeyObject }) => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const enterprise = purpose === 'enterprise' ? 'globex' : undefined;
    const key: KeyDescription = {
      id: purpose,
      purpose,
      algorithm: 'P-256',
      organization: 'acme',
      enterprise,
      publicKey: publicKey.export({ type: 'spki', format: 'der' }),
      createdAt: NOW,
      generation: 1,
      retiredAt: undefined,
      certificate: undefined,
    };
    const issuer = above?.generation ?? IssuerGeneration.rootToBe(key);
    const request: IssueRequest = {
      profile: profiles[purpose as 'root' | 'organization' | 'enterprise'],
      issuer,
      key: { held: key },
      subject: { organization: 'acme', ...(enterprise !== undefined && { enterprise }), commonName: `Acme ${purpose}` },
      ...(above !== undefined && { claims: CLAIMS }),
      principal: purpose,
      keyOwner: purpose,
      context: {},
    };
    const { intent } = prepare(request, { now: NOW, random });
    const der = prove(intent.tbs, sign('sha256', intent.tbs, above?.privateKey ?? privateKey), issuer, NOW);
    const certificate = decodeCertificate(der);
    const chain = [certificate, ...issuer.chain] as const;
    const addresses = addressesOf('http://pki.acme.example', certificate.extensions.subjectKeyIdentifier!, 16);
    return { generation: IssuerGeneration.open(key, chain, addresses), privateKey, publicKey };
  };
  const { generation, privateKey, publicKey } = below('enterprise', below('organization', below('root')));
  return { issuer: generation, privateKey, publicKey };
}

const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 86_400_000;

async function peculiar(csr: () => Bytes, issuer: IssuerGeneration): Promise<() => Promise<unknown>> {
  x509.cryptoProvider.set(webcrypto);
  const keys = await webcrypto.subtle.generateKey(P256, true, ['sign', 'verify']);
  const claims = encodeClaims(CLAIMS).slice().buffer;
  return async () => {
    const request = new x509.Pkcs10CertificateRequest(csr().slice());
    if (!(await request.verify())) throw new Error('the request is not signed by its key');
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: `01${randomBytes(16).toString('hex')}`,
      issuer: 'O=acme, OU=globex, CN=Acme enterprise',
      subject: 'O=acme, OU=globex, CN=plant-7',
      notBefore: NOW,
      notAfter: new Date(NOW.getTime() + 30 * DAY_MS),
      publicKey: request.publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: P256,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([OID.licensePurpose, OID.clientAuth]),
        new x509.CertificatePolicyExtension([OID.licensePolicy]),
        new x509.SubjectAlternativeNameExtension([{ type: 'url', value: 'license://globex.acme/plant-7' }]),
        await x509.SubjectKeyIdentifierExtension.create(request.publicKey),
        await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey),
        new x509.CRLDistributionPointsExtension([issuer.addresses!.crls[0]!]),
        new x509.Extension(OID.licenseClaims, false, claims),
      ],
    });
    return certificate.rawData;
  };
}

async function withPkijs(csr: () => Bytes): Promise<() => Promise<unknown>> {
  pkijs.setEngine('node', new pkijs.CryptoEngine({ name: 'node', crypto: webcrypto }));
  const keys = await webcrypto.subtle.generateKey(P256, true, ['sign', 'verify']);
  const claims = encodeClaims(CLAIMS).slice().buffer;
  const name = (value: string) =>
    new pkijs.AttributeTypeAndValue({ type: OID.commonName, value: new asn1js.Utf8String({ value }) });
  return async () => {
    const request = pkijs.CertificationRequest.fromBER(csr().slice().buffer);
    if (!(await request.verify())) throw new Error('the request is not signed by its key');
    const certificate = new pkijs.Certificate();
    certificate.version = 2;
    certificate.serialNumber = new asn1js.Integer({ valueHex: Uint8Array.of(1, ...randomBytes(16)).buffer });
    certificate.issuer.typesAndValues.push(name('Acme enterprise'));
    certificate.subject.typesAndValues.push(name('plant-7'));
    certificate.notBefore.value = NOW;
    certificate.notAfter.value = new Date(NOW.getTime() + 30 * DAY_MS);
    certificate.subjectPublicKeyInfo = request.subjectPublicKeyInfo;
    const basic = new pkijs.BasicConstraints({ cA: false });
    certificate.extensions = [
      new pkijs.Extension({ extnID: OID.basicConstraints, critical: true, extnValue: basic.toSchema().toBER() }),
      new pkijs.Extension({ extnID: OID.licenseClaims, critical: false, extnValue: claims }),
    ];
    await certificate.sign(keys.privateKey, 'SHA-256');
    return certificate.toSchema(true).toBER();
  };
}

await answerWith({
  ours: () => pairOf((csr, issuer, privateKey) => () => ours(csr(), issuer, privateKey)),
  '@peculiar/x509': () => pairOf(peculiar),
  pkijs: () => pairOf(withPkijs),
});

/**
 * Makes the files in `seeds/`, from which the mutator starts: `node ca/format/test/make-seeds.ts`. They are saved so
 * that a finding can be repeated; making them anew gives other keys, and so other bytes.
 */
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createAlgorithm,
  createName,
  decodeCertificate,
  decodeOcspRequest,
  encodeCertificate,
  encodeCertificateList,
  encodeCertsOnly,
  encodeClaims,
  encodeTbsCertificate,
  encodeTbsCertificateList,
  extension,
  OID,
  type RawExtension,
} from '@licet/format';

const FOLDER = mkdtempSync(join(tmpdir(), 'licet-seeds-'));
const SEEDS = join(import.meta.dirname, 'seeds');

const CONFIG = `
[req]
distinguished_name = dn
prompt = no
attributes = attrs
req_extensions = ca
[dn]
C = DE
O = Example Organization
OU = Acme Enterprise
CN = Authority
[attrs]
challengePassword = 0123456789abcdef
[ca]
basicConstraints = critical, CA:TRUE, pathlen:1
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
nameConstraints = critical, permitted;URI:.example, permitted;DNS:example, excluded;IP:10.0.0.0/255.0.0.0, excluded;email:evil.example
certificatePolicies = 1.2.3.4, @policy
policyConstraints = requireExplicitPolicy:3, inhibitPolicyMapping:1
policyMappings = 1.2.3.4:1.2.3.5
inhibitAnyPolicy = 2
subjectAltName = DNS:a.example, IP:192.0.2.1, IP:2001:db8::1, email:a@example, URI:https://a.example/x, RID:1.2.3, otherName:1.2.3.4;UTF8:text, dirName:dn
issuerAltName = DNS:issuer.example
authorityInfoAccess = OCSP;URI:http://ocsp.example/, caIssuers;URI:http://aia.example/ca.der
crlDistributionPoints = point
freshestCRL = URI:http://crl.example/delta.crl
extendedKeyUsage = serverAuth, clientAuth, 1.2.3.4.5
[policy]
policyIdentifier = 1.2.3.6
CPS.1 = http://cps.example/
userNotice.1 = @notice
[notice]
explicitText = UTF8:Read this
[point]
fullname = URI:http://crl.example/1.crl, dirName:dn
CRLissuer = dirName:dn
reasons = keyCompromise, CACompromise
[db]
database = index.txt
default_md = sha256
crl_extensions = crl
crlnumber = crlnumber
default_crl_days = 7
[crl]
authorityKeyIdentifier = keyid:always
`;

function openssl(command: string): void {
  execFileSync('openssl', command.split(' '), { cwd: FOLDER, stdio: 'pipe' });
}

function take(file: string, seed: string): Uint8Array {
  const bytes = new Uint8Array(readFileSync(join(FOLDER, file)));
  writeFileSync(join(SEEDS, seed), bytes);
  return bytes;
}

function makeWithOpenssl(): void {
  writeFileSync(join(FOLDER, 'c.cnf'), CONFIG);
  const index = ['01', '02', '7fffffffffffffff01', '03'].map(
    (serial, i) => `R\t301231000000Z\t260101000000Z${i % 2 ? ',keyCompromise' : ''}\t${serial}\tunknown\t/CN=${i}\n`,
  );
  writeFileSync(join(FOLDER, 'index.txt'), index.join(''));
  writeFileSync(join(FOLDER, 'crlnumber'), '1001\n');
  openssl(
    'req -x509 -newkey rsa:2048 -nodes -keyout ca.key -config c.cnf -extensions ca -days 30 -outform DER -out ca.der',
  );
  openssl('x509 -inform DER -in ca.der -out ca.pem');
  openssl('req -new -newkey rsa:2048 -nodes -keyout r.key -config c.cnf -outform DER -out request.der');
  openssl('ca -gencrl -config c.cnf -name db -keyfile ca.key -cert ca.pem -out crl.pem');
  openssl('crl -in crl.pem -outform DER -out crl.der');
  openssl('ocsp -issuer ca.pem -serial 1 -serial 0x22 -reqout ocsp-request.der');
  openssl(
    'ocsp -index index.txt -CA ca.pem -rsigner ca.pem -rkey ca.key -reqin ocsp-request.der -respout ocsp-response.der',
  );
  openssl(
    'req -x509 -newkey ed25519 -nodes -keyout e.key -config c.cnf -extensions crl -days 9000 -outform DER -out ed25519.der',
  );
}

function makeOwn(ca: Uint8Array): void {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signatureAlgorithm = createAlgorithm(OID.ecdsaWithSha256);
  const issuer = createName([
    { type: 'organizationName', value: 'Example' },
    { type: 'organizationalUnitName', value: 'Acme' },
  ]);
  const now = new Date('2026-01-01T00:00:00Z');
  const later = new Date('2051-01-31T00:00:00Z');
  const claims = encodeClaims({
    id: '00112233-4455-6677-8899-aabbccddeeff',
    sequence: 7,
    modes: ['production'],
    tier: { rank: 2, code: 'enterprise' },
    features: ['hub', 'hub/reports'],
    limits: [{ code: 'seats', max: 50, scope: 'pool', enforce: 'hard' }],
    term: { from: now, to: later },
    grace: 86_400,
    contact: 604_800,
    degrade: 'readOnly',
    reporting: { every: 86_400, required: true },
  });
  const keyId = new Uint8Array(20).fill(7);
  const site: RawExtension[] = [
    extension.basicConstraints({ ca: false }),
    extension.keyUsage(['digitalSignature']),
    extension.extendedKeyUsage([OID.licensePurpose, OID.clientAuth]),
    extension.authorityKeyIdentifier({ keyIdentifier: keyId }),
    extension.subjectAltName([{ kind: 'uri', value: 'license://acme.example/site' }]),
    extension.certificatePolicies([OID.licensePolicy]),
    extension.ocspNoCheck(),
    { oid: OID.licenseClaims, critical: false, value: claims },
  ];
  const signed = (tbs: Uint8Array): Uint8Array => new Uint8Array(sign('sha256', tbs, privateKey));
  const tbs = encodeTbsCertificate({
    serial: Uint8Array.of(0, 0x80, 1, 2, 3),
    signatureAlgorithm,
    issuer,
    notBefore: now,
    notAfter: later,
    subject: issuer,
    publicKey: { raw: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })) },
    extensions: site,
  });
  const license = encodeCertificate(tbs, signatureAlgorithm, signed(tbs));
  writeFileSync(join(SEEDS, 'certificate-license.der'), license);
  writeFileSync(join(SEEDS, 'cms-chain.der'), encodeCertsOnly([license, ca]));
  const fields = { signatureAlgorithm, issuer, thisUpdate: now, nextUpdate: later };
  const other = { kind: 'directory', name: decodeCertificate(ca).subject } as const;
  const list = encodeTbsCertificateList(
    {
      ...fields,
      extensions: [
        extension.crlNumber(2n ** 100n),
        extension.deltaCrlIndicator(5),
        extension.issuingDistributionPoint({
          point: { kind: 'full', names: [{ kind: 'uri', value: 'http://crl.example/1.crl' }] },
          indirect: true,
          onlySomeReasons: new Set(['keyCompromise', 'superseded']),
        }),
      ],
    },
    [
      { serial: Uint8Array.of(5), revokedAt: now, reason: 'removeFromCRL' },
      { serial: Uint8Array.of(6), revokedAt: now, invalidityDate: now },
      { serial: Uint8Array.of(5), revokedAt: now, certificateIssuer: [other] },
    ],
  );
  writeFileSync(join(SEEDS, 'crl-indirect.der'), encodeCertificateList(list, signatureAlgorithm, signed(list)));
}

makeWithOpenssl();
const ca = take('ca.der', 'certificate-ca.der');
take('ed25519.der', 'certificate-ed25519.der');
take('request.der', 'request-ca.der');
take('crl.der', 'crl-openssl.der');
take('ocsp-response.der', 'ocspResponse-openssl.der');
decodeOcspRequest(take('ocsp-request.der', 'ocspRequest-openssl.der'));
makeOwn(ca);
rmSync(FOLDER, { recursive: true });

import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type CertificationRequest, decodePem, encodePem, equalBytes, FormatError } from '@licet/format';
import { AuthorityError } from '../../errors.ts';
import { checkRequest } from '../../issue/request.ts';
import type { ConfigOf } from '../config/index.ts';
import { invalid } from '../config/invalid.ts';
import { certify, type Order } from '../desk.ts';
import { draftCertificate } from '../draft.ts';
import { readIssuer } from '../issuer-file.ts';
import { checkEnterprise, nameOf, ROLES, subjectOf } from '../role.ts';
import type { Sitting } from '../sitting.ts';
import { withSigner } from '../unlock.ts';
import { certificateWords, fingerprintOf, plainHash, sha256 } from '../words.ts';
import type { Plan, Setting } from './plan.ts';

type Config = ConfigOf<'sign'>;

/** The certificate of a CA, by the key above it, from the request that was carried here. */
export async function planSign(config: Config, { base, room }: Setting): Promise<Plan> {
  const { authority, subject, claims, until } = config;
  checkEnterprise(authority, subject.enterprise);
  const role = ROLES[authority];
  const { issuer, chainText } = await readIssuer(config.issuer, base, role.issuer);
  const requestText = await readFile(resolve(base, config.request), 'utf8');
  const request = readRequest(requestText, config);
  if (config.fingerprint !== undefined) checkFingerprint(request, config.fingerprint);
  const order: Order = {
    profile: role.profile,
    issuer,
    key: { csr: request.der },
    subject: subjectOf(subject),
    ...(claims !== undefined && { claims }),
    ...(until !== undefined && { until }),
  };
  return {
    lines: [
      config.fingerprint === undefined
        ? `the request ${config.request}, once its fingerprint was typed in`
        : `the request ${config.request} with the fingerprint ${fingerprintOf(request.der)}`,
      `${authority}.pem: the certificate of the ${authority} CA`,
      ...certificateWords(draftCertificate(order, room), { serial: false }).map((line) => `  ${line}`),
      'chain.pem: the same, followed by those above it',
    ],
    async perform(sitting) {
      await sitting.keepInput(`${authority}.csr`, requestText);
      await sitting.keepInput('issuer.pem', chainText);
      if (config.fingerprint === undefined) await askFingerprint(sitting, request);
      await withSigner(sitting, base, config.issuer.signer, async (signer) => {
        const der = await certify(sitting.desk(signer), order);
        await sitting.writeCertificate(`${authority}.pem`, der);
        const chain = [der, ...issuer.chain.map((certificate) => certificate.der)];
        await sitting.write('chain.pem', chain.map((one) => encodePem('CERTIFICATE', one)).join(''));
      });
    },
  };
}

function readRequest(text: string, { request: file, authority, subject }: Config): CertificationRequest {
  const request = checkRequest(derOf(text, file), ROLES[authority].profile);
  if (!equalBytes(request.subject.raw, nameOf(subjectOf(subject)).raw)) {
    throw invalid([`subject: the request ${file} names another one; one of the two is wrong`]);
  }
  return request;
}

function derOf(text: string, file: string): Uint8Array {
  try {
    const [block, ...more] = decodePem(text, 'CERTIFICATE REQUEST');
    if (block !== undefined && more.length === 0) return block.bytes;
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause;
    throw new AuthorityError('CSR_INVALID', `${file} is no request in PEM: ${cause.message}`, { cause });
  }
  throw new AuthorityError('CSR_INVALID', `${file} should hold exactly one request in PEM.`);
}

function checkFingerprint({ der }: CertificationRequest, expected: string): void {
  if (sha256(der) === expected) return;
  throw new AuthorityError(
    'CEREMONY_INVALID',
    'The request does not have the fingerprint that was read out; do not sign it.',
    { details: ['fingerprint'] },
  );
}

/** Typed from the paper that came with the request: whoever only sees the screen would copy what is on it. */
async function askFingerprint(sitting: Sitting, request: CertificationRequest): Promise<void> {
  const answer = await sitting.ask('The fingerprint of the request, from the paper that came with it:');
  if (answer === undefined) throw invalid(['fingerprint: is needed, since nobody is there to type it in']);
  checkFingerprint(request, plainHash(answer));
}

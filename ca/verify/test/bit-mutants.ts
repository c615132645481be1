import { generateKeyPairSync } from 'node:crypto';
import { type Bytes, extension } from '@licet/format';
import { type PathOptions, verifyPathSync } from '../index.ts';
import { ALGORITHM, AT, ca, crl, dns, keyPair, leaf, revoke, root } from './certificate-kit.ts';

export type BitMutantReport = { readonly mutants: number; readonly accepted: readonly string[] };

/**
 * Turns over bits of leaves, and of the CRL that vouches for them, one at a time. None may be accepted: each bit is
 * either signed, or part of the signature, or of the one encoding that there is for it. `step`: every how many bits.
 */
export async function runBitMutants(size: { leaves: number; crls: number; step: number }): Promise<BitMutantReport> {
  const accepted: string[] = [];
  let mutants = 0;
  for (let n = 0; n < Math.max(size.leaves, size.crls); n += 1) {
    const { subject, list, options } = sample(n);
    if (!verifyPathSync(subject, { ...options, crls: [list] }).ok)
      throw new Error(`sample ${n} is not accepted itself`);
    if (n < size.leaves) {
      for (const { bit, bytes } of mutantsOf(subject, size.step, n)) {
        mutants += 1;
        if (verifyPathSync(bytes, { ...options, crls: [list] }).ok) accepted.push(`leaf ${n}, bit ${bit}`);
      }
    }
    if (n < size.crls) {
      for (const { bit, bytes } of mutantsOf(list, size.step, n)) {
        mutants += 1;
        if (verifyPathSync(subject, { ...options, crls: [bytes] }).ok) accepted.push(`CRL ${n}, bit ${bit}`);
      }
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { mutants, accepted };
}

function* mutantsOf(bytes: Bytes, step: number, offset: number): Generator<{ bit: number; bytes: Bytes }> {
  for (let bit = offset % step; bit < bytes.length * 8; bit += step) {
    const mutant = bytes.slice();
    mutant[bit >> 3]! ^= 1 << (bit & 7);
    yield { bit, bytes: mutant };
  }
}

const ISSUERS = [
  { key: keyPair(), algorithm: ALGORITHM.ecdsaSha256 },
  { key: keyPair(() => generateKeyPairSync('ed25519')), algorithm: ALGORITHM.ed25519 },
  { key: keyPair(() => generateKeyPairSync('rsa', { modulusLength: 2048 })), algorithm: ALGORITHM.rsaSha256 },
  {
    key: keyPair(() => generateKeyPairSync('ec', { namedCurve: 'P-384' }), 'sha384'),
    algorithm: ALGORITHM.ecdsaSha384,
  },
] as const;

/** Each with other names, extensions and algorithms. The intermediate's CRL is the root's business. */
function sample(n: number): { subject: Bytes; list: Bytes; options: PathOptions } {
  const anchor = root();
  const { key, algorithm } = ISSUERS[n % ISSUERS.length]!;
  // An anchor of its own, so that the list is all the evidence that is needed.
  const issuer = n % 2 === 0 ? ca(anchor, { key }) : root({ key, algorithm, subject: `issuer ${n}` });
  const names = Array.from({ length: 1 + (n % 3) }, (_, i) => dns(`n${i}.example.com`));
  const points = n % 5 === 0 ? extension.crlDistributionPoints(['http://crl.example.com/1']) : undefined;
  const subject = leaf(issuer, { algorithm, with: { subjectAltName: extension.subjectAltName(names), points } });
  const entries = Array.from({ length: n % 4 }, () => revoke(anchor)).slice(0, 1);
  const list = crl(issuer, { entries, algorithm });
  return {
    subject: subject.der,
    list,
    options: { anchors: [issuer.der], intermediates: [], at: AT, purpose: 'serverAuth' },
  };
}

import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Certificate, decodeCertificate, decodePem, equalBytes, FormatError } from '@licet/format';
import { addressesOf, IssuerGeneration } from '../issue/issuer-generation.ts';
import { listKeyFiles } from '../keys/offline.ts';
import type { KeyPurpose } from '../ports/signer.ts';
import { AuthorityError } from '../errors.ts';
import type { IssuerChoice } from './config/index.ts';
import { invalid } from './config/invalid.ts';
import { rootAddresses } from './desk.ts';

export type Chain = readonly [Certificate, ...Certificate[]];

/** PEM certificates, the own one first and the root last. */
export function readChain(text: string, name: string): Chain {
  try {
    const [first, ...rest] = decodePem(text, 'CERTIFICATE').map(({ bytes }) => decodeCertificate(bytes));
    if (first !== undefined) return [first, ...rest];
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause;
    throw new AuthorityError('CEREMONY_INVALID', `${name} holds no certificates: ${cause.message}`, { cause });
  }
  throw new AuthorityError('CEREMONY_INVALID', `${name} holds no certificate.`);
}

/**
 * Takes what vouches for the root out of a chain: certificates in its own name by other keys of it (RFC 4210 §4.4), which
 * no CA below has. They stand before the root, so that it is last in every chain.
 */
export function splitLinks([own, ...above]: Chain): { readonly chain: Chain; readonly links: readonly Certificate[] } {
  const root = above.at(-1);
  if (root === undefined) return { chain: [own], links: [] };
  const isOfRoot = (one: Certificate) =>
    one !== root && [one.subject, one.issuer].every((name) => equalBytes(name.raw, root.subject.raw));
  return {
    chain: [own, ...above.filter((one) => !isOfRoot(one))],
    links: above.filter((one) => isOfRoot(one) && !isSelfSigned(one)),
  };
}

const isSelfSigned = ({ extensions: { subjectKeyIdentifier: own, authorityKeyIdentifier: by } }: Certificate) =>
  own === undefined || by?.keyIdentifier === undefined || equalBytes(own, by.keyIdentifier);

export type OpenIssuer = { readonly issuer: IssuerGeneration; readonly chainText: string };

/**
 * The issuer as its files show it, found without opening a key: the description of the key is in the clear, and what
 * it says is proven when the key is opened to sign.
 */
export async function readIssuer(choice: IssuerChoice, base: string, purpose: KeyPurpose): Promise<OpenIssuer> {
  const chainText = await readFile(resolve(base, choice.chain), 'utf8');
  const { chain } = splitLinks(readChain(chainText, choice.chain));
  const keys = await listKeyFiles(resolve(base, choice.signer.folder));
  const key = keys.find(({ publicKey }) => equalBytes(publicKey, chain[0].publicKey.raw));
  if (key === undefined) {
    throw invalid([`issuer.chain: the key of its first certificate is not in ${choice.signer.folder}`]);
  }
  if (key.purpose !== purpose) throw invalid([`issuer: its key is for "${key.purpose}" and not for "${purpose}"`]);
  const keyIdentifier = chain[0].extensions.subjectKeyIdentifier ?? new Uint8Array();
  if (purpose === 'root' && choice.shards !== 1) throw invalid(['issuer.shards: a root has one CRL']);
  const addresses =
    purpose === 'root'
      ? rootAddresses(choice.publish, keyIdentifier)
      : addressesOf(choice.publish, keyIdentifier, choice.shards);
  return { issuer: IssuerGeneration.open(key, chain, addresses), chainText };
}

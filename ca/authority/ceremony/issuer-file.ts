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

export type OpenIssuer = { readonly issuer: IssuerGeneration; readonly chainText: string };

/**
 * The issuer as its files show it, found without opening a key: the description of the key is in the clear, and what
 * it says is proven when the key is opened to sign.
 */
export async function readIssuer(choice: IssuerChoice, base: string, purpose: KeyPurpose): Promise<OpenIssuer> {
  const chainText = await readFile(resolve(base, choice.chain), 'utf8');
  const chain = readChain(chainText, choice.chain);
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

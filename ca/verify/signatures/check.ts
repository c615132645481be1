import type { AlgorithmIdentifier, Bytes, HashName, PublicKeyInfo } from '@licet/format';
import type { Budget } from '../budget.ts';
import {
  type DigestJob,
  type SignatureJob,
  type SignatureOutcome,
  digestNow,
  digestSoon,
  hasSynchronousCrypto,
  verifyNow,
  verifySoon,
} from './engine.ts';
import { fits, isAcceptableKey, keyKind } from './keys.ts';
import { isWeakScheme, readScheme } from './schemes.ts';

/**
 * Work that stops wherever cryptography is needed and goes on with its outcome. So one text of the algorithm serves
 * callers that wait for WebCrypto and callers that want the answer at once.
 */
export type Task<T> = Generator<SignatureJob | DigestJob, T, SignatureOutcome | Bytes>;

export type SignatureVerdict = 'valid' | 'SIGNATURE_INVALID' | 'ALGORITHM_REFUSED';

export type Signed = { readonly algorithm: AlgorithmIdentifier; readonly message: Bytes; readonly signature: Bytes };

/** Certificates, CRLs and OCSP responses alike. */
export function signedPart(object: {
  readonly signatureAlgorithm: AlgorithmIdentifier;
  readonly tbs: Bytes;
  readonly signature: Bytes;
}): Signed {
  return { algorithm: object.signatureAlgorithm, message: object.tbs, signature: object.signature };
}

export function* checkSignature(
  { algorithm, message, signature }: Signed,
  key: PublicKeyInfo,
  { budget, allowWeak }: { readonly budget: Budget; readonly allowWeak: boolean },
): Task<SignatureVerdict> {
  const scheme = readScheme(algorithm);
  const kind = keyKind(key);
  if (scheme === undefined || kind === undefined) return 'ALGORITHM_REFUSED';
  if (!isAcceptableKey(kind, allowWeak) || (isWeakScheme(scheme) && !allowWeak)) return 'ALGORITHM_REFUSED';
  if (!fits(kind, scheme)) return 'SIGNATURE_INVALID';
  budget.spendSignature();
  const outcome = yield { key, scheme, message, signature };
  if (outcome === 'unsupported') return 'ALGORITHM_REFUSED';
  return outcome === 'valid' ? 'valid' : 'SIGNATURE_INVALID';
}

export function* computeDigest(digest: HashName, message: Bytes): Task<Bytes> {
  const outcome = yield { digest, message };
  return outcome as Bytes;
}

/** Needs `node:crypto`, as Node, Deno and Bun have it. */
export function runNow<T>(task: Task<T>): T {
  let step = task.next();
  while (step.done !== true) {
    step = task.next('digest' in step.value ? digestNow(step.value) : verifyNow(step.value));
  }
  return step.value;
}

export async function runSoon<T>(task: Task<T>): Promise<T> {
  return hasSynchronousCrypto ? runNow(task) : runWithWebCrypto(task);
}

export async function runWithWebCrypto<T>(task: Task<T>): Promise<T> {
  let step = task.next();
  while (step.done !== true) {
    step = task.next(await ('digest' in step.value ? digestSoon(step.value) : verifySoon(step.value)));
  }
  return step.value;
}

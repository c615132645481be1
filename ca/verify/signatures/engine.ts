import type * as NodeCrypto from 'node:crypto';
import type { KeyObject, webcrypto } from 'node:crypto';
import { type Bytes, type CurveName, encodePem, type HashName, type PublicKeyInfo } from '@licet/format';
import { bytesKey } from '../bytes.ts';
import { rawSignature } from './ecdsa-form.ts';
import { type KeyKind, keyKind } from './keys.ts';
import type { Scheme } from './schemes.ts';

/** One signature to be verified, by a key that is of the kind of the scheme. */
export type SignatureJob = {
  readonly key: PublicKeyInfo;
  readonly scheme: Scheme;
  readonly message: Bytes;
  readonly signature: Bytes;
};

/** `unsupported`: this runtime does not have the algorithm. */
export type SignatureOutcome = 'valid' | 'invalid' | 'unsupported';

/** One hash to be computed. */
export type DigestJob = { readonly digest: HashName; readonly message: Bytes };

// No import of node:crypto: this file also loads in a browser, where the runtime offers none and WebCrypto does the work.
const nodeCrypto: typeof NodeCrypto | undefined = (
  globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }
).process?.getBuiltinModule?.('node:crypto') as typeof NodeCrypto | undefined;

export const hasSynchronousCrypto = nodeCrypto !== undefined;

/**
 * Keys that were imported before, by the bytes of their SubjectPublicKeyInfo: an import takes half as long as a
 * verification, and authorities sign many certificates. 256 of them take about 1 MB.
 */
class KeyCache<K> {
  private readonly keys = new Map<string, K>();
  /** Often the same key is asked for again, and then there is no need to look at its bytes. */
  private latest: { readonly info: PublicKeyInfo; readonly use: string; readonly key: K } | undefined;
  private static readonly MOST = 256;

  /** `use`: what the key was imported for, where that matters. */
  get(info: PublicKeyInfo, use: string, make: () => K): K {
    const { latest } = this;
    if (latest?.info === info && latest.use === use) return latest.key;
    const key = this.byBytes(use + bytesKey(info.raw), make);
    this.latest = { info, use, key };
    return key;
  }

  private byBytes(id: string, make: () => K): K {
    let key = this.keys.get(id);
    if (key !== undefined) {
      // Moved to the end: a Map keeps the order of insertion, so the first is the one that was not used for longest.
      this.keys.delete(id);
    } else {
      key = make();
      if (this.keys.size >= KeyCache.MOST) this.keys.delete(this.keys.keys().next().value!);
    }
    this.keys.set(id, key);
    return key;
  }
}

const nodeKeys = new KeyCache<KeyObject>();
const webKeys = new KeyCache<Promise<webcrypto.CryptoKey>>();

/** Only where `hasSynchronousCrypto`. */
export function verifyNow(job: SignatureJob): SignatureOutcome {
  if (nodeCrypto === undefined) return 'unsupported';
  const { scheme, message, signature } = job;
  try {
    // As text: to see that bytes are no KeyObject, Node throws and catches four times, which takes longer than the import.
    const key = nodeKeys.get(job.key, '', () => nodeCrypto.createPublicKey(encodePem('PUBLIC KEY', job.key.raw)));
    const hash = 'hash' in scheme ? scheme.hash : null;
    const options =
      scheme.kind === 'rsa-pss'
        ? { key, padding: nodeCrypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: scheme.saltLength }
        : key;
    return nodeCrypto.verify(hash, message, options, signature) ? 'valid' : 'invalid';
  } catch {
    // OpenSSL refuses the key itself (a point off its curve, a curve or algorithm that this build lacks).
    return 'unsupported';
  }
}

export function digestNow({ digest, message }: DigestJob): Bytes {
  if (nodeCrypto === undefined) throw new Error('this runtime has no synchronous crypto: call the asynchronous form');
  return nodeCrypto.createHash(digest).update(message).digest();
}

export async function digestSoon(job: DigestJob): Promise<Bytes> {
  return new Uint8Array(await globalThis.crypto.subtle.digest(webHash(job.digest), job.message));
}

export async function verifySoon(job: SignatureJob): Promise<SignatureOutcome> {
  const kind = keyKind(job.key);
  const plan = kind === undefined ? undefined : webPlan(job.scheme, kind);
  if (plan === undefined) return 'unsupported';
  const { subtle } = globalThis.crypto;
  const signature = plan.octets === undefined ? job.signature : rawSignature(job.signature, plan.octets);
  if (signature === undefined) return 'invalid';
  try {
    // A WebCrypto key is bound to one algorithm and hash.
    const key = await webKeys.get(job.key, JSON.stringify(plan.key), () =>
      subtle.importKey('spki', job.key.raw, plan.key, false, ['verify']),
    );
    const valid = await subtle.verify(plan.verify, key, signature, job.message);
    return valid ? 'valid' : 'invalid';
  } catch {
    return 'unsupported';
  }
}

type WebPlan = {
  readonly key: { readonly name: string; readonly namedCurve?: CurveName; readonly hash?: string };
  readonly verify: { readonly name: string; readonly hash?: string; readonly saltLength?: number };
  /** For ECDSA: octets of each of the two numbers. */
  readonly octets?: number;
};

/** `sha256` is `SHA-256` to WebCrypto. */
function webHash(hash: HashName): string {
  return hash.toUpperCase().replace('SHA', 'SHA-');
}

/** Of each of the two numbers of an ECDSA signature. */
export const ORDER_OCTETS: Readonly<Record<CurveName, number>> = { 'P-256': 32, 'P-384': 48, 'P-521': 66 };

function webPlan(scheme: Scheme, kind: KeyKind): WebPlan | undefined {
  switch (scheme.kind) {
    case 'ecdsa': {
      if (kind.kind !== 'ec') return undefined;
      const key = { name: 'ECDSA', namedCurve: kind.curve };
      return { key, verify: { name: 'ECDSA', hash: webHash(scheme.hash) }, octets: ORDER_OCTETS[kind.curve] };
    }
    case 'rsa-pkcs1':
      return { key: { name: 'RSASSA-PKCS1-v1_5', hash: webHash(scheme.hash) }, verify: { name: 'RSASSA-PKCS1-v1_5' } };
    case 'rsa-pss':
      return {
        key: { name: 'RSA-PSS', hash: webHash(scheme.hash) },
        verify: { name: 'RSA-PSS', saltLength: scheme.saltLength },
      };
    case 'ed25519':
      return { key: { name: 'Ed25519' }, verify: { name: 'Ed25519' } };
    default:
      return { key: { name: `ML-DSA-${scheme.set}` }, verify: { name: `ML-DSA-${scheme.set}` } };
  }
}

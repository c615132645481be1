import { createPublicKey, hash, randomBytes } from 'node:crypto';
import { ecPublicKey, rawToDer, Token, type TokenOptions } from '@licet/keystores';
import * as ck from '@licet/keystores/cryptoki';
import { AuthorityError } from '../errors.ts';
import type { PrivateKey, Vault, VaultEntry } from '../ports/key-store.ts';
import type { KeyAlgorithm, KeyDescription, KeyRole } from '../ports/signer.ts';
import { ALGORITHMS } from './algorithms.ts';
import { roleBytes } from './key-file.ts';
import { orAuthorityError, outside } from './outside.ts';

type TokenAlgorithm = Extract<KeyAlgorithm, 'P-256' | 'P-384' | 'RSA-3072'>;

type Work<T> = (cryptoki: ck.Cryptoki, session: ck.Handle, epoch: number) => T;

type TokenFacts = {
  readonly generate: number;
  readonly publicTemplate: readonly ck.Attribute[];
  readonly sign: number;
  readonly signatureSize: number;
};

const EC_P256 = Buffer.from('06082a8648ce3d030107', 'hex');
const EC_P384 = Buffer.from('06052b81040022', 'hex');

const ON_TOKEN: Readonly<Record<TokenAlgorithm, TokenFacts>> = {
  'P-256': {
    generate: ck.CKM_EC_KEY_PAIR_GEN,
    publicTemplate: [{ type: ck.CKA_EC_PARAMS, value: EC_P256 }],
    sign: ck.CKM_ECDSA,
    signatureSize: 64,
  },
  'P-384': {
    generate: ck.CKM_EC_KEY_PAIR_GEN,
    publicTemplate: [{ type: ck.CKA_EC_PARAMS, value: EC_P384 }],
    sign: ck.CKM_ECDSA,
    signatureSize: 96,
  },
  'RSA-3072': {
    generate: ck.CKM_RSA_PKCS_KEY_PAIR_GEN,
    publicTemplate: [
      { type: ck.CKA_MODULUS_BITS, value: 3072 },
      { type: ck.CKA_PUBLIC_EXPONENT, value: Buffer.of(1, 0, 1) },
    ],
    sign: ck.CKM_SHA256_RSA_PKCS,
    signatureSize: 384,
  },
};

export function openPkcs11Vault(options: TokenOptions): Vault {
  try {
    return new Pkcs11Vault(Token.open(options));
  } catch (error) {
    throw orAuthorityError(error);
  }
}

/**
 * Keys that are born in a token and cannot leave it. The token keeps the hash of a key's role beside the key (CKA_ID),
 * so a key file that was changed to another purpose or tenant does not find its key. Certificate and retirement are
 * kept by the file alone.
 */
class Pkcs11Vault implements Vault {
  readonly kind = 'pkcs11';
  readonly #token: Token;

  constructor(token: Token) {
    this.#token = token;
  }

  async generate(role: KeyRole, describe: (publicKey: Uint8Array) => KeyDescription): Promise<VaultEntry> {
    const facts = factsOf(role.algorithm);
    return this.#use(async (cryptoki, session) => {
      const draft = `licet:new:${randomBytes(8).toString('hex')}`;
      const pair = await cryptoki.C_GenerateKeyPairAsync(
        session,
        { mechanism: facts.generate, parameter: null },
        [...facts.publicTemplate, { type: ck.CKA_TOKEN, value: false }, { type: ck.CKA_VERIFY, value: true }],
        [
          { type: ck.CKA_TOKEN, value: true },
          { type: ck.CKA_PRIVATE, value: true },
          { type: ck.CKA_SENSITIVE, value: true },
          { type: ck.CKA_EXTRACTABLE, value: false },
          { type: ck.CKA_SIGN, value: true },
          { type: ck.CKA_LABEL, value: draft },
        ],
      );
      const description = describe(publicKeyOf(cryptoki, session, pair.publicKey, role.algorithm));
      cryptoki.C_SetAttributeValue(session, pair.privateKey, [
        { type: ck.CKA_LABEL, value: labelOf(description) },
        { type: ck.CKA_ID, value: roleHash(description) },
      ]);
      return { description, vault: this.kind, secret: { label: labelOf(description) } };
    });
  }

  async open({ description }: VaultEntry): Promise<PrivateKey> {
    const facts = factsOf(description.algorithm);
    let found: { readonly epoch: number; readonly key: ck.Handle } | undefined;
    const find: Work<ck.Handle> = (cryptoki, session, epoch) => {
      if (found?.epoch !== epoch) found = { epoch, key: findKey(cryptoki, session, description) };
      return found.key;
    };
    await this.#use(find);
    return {
      sign: async (bytes, form) => {
        const { digest, isEcdsa } = ALGORITHMS[description.algorithm];
        // CKM_ECDSA signs a hash; the RSA mechanism hashes by itself.
        const input = isEcdsa && digest !== undefined ? hash(digest, bytes, 'buffer') : Buffer.from(bytes);
        const made = await this.#use((cryptoki, session, epoch) => {
          const key = find(cryptoki, session, epoch);
          cryptoki.C_SignInit(session, { mechanism: facts.sign, parameter: null }, key);
          return cryptoki.C_SignAsync(session, input, Buffer.alloc(facts.signatureSize));
        });
        return isEcdsa && form === 'x509' ? rawToDer(made) : new Uint8Array(made);
      },
    };
  }

  async reseal(entry: VaultEntry, description: KeyDescription): Promise<VaultEntry> {
    return { ...entry, description };
  }

  async close(): Promise<void> {
    this.#token.close();
  }

  #use<T>(work: Work<T | Promise<T>>): Promise<T> {
    return outside(this.#token.use(work));
  }
}

function factsOf(algorithm: KeyAlgorithm): TokenFacts {
  switch (algorithm) {
    case 'P-256':
    case 'P-384':
    case 'RSA-3072':
      return ON_TOKEN[algorithm];
    case 'Ed25519':
    case 'ML-DSA-65':
      throw new AuthorityError('SIGNER_REFUSED', `Keys of ${algorithm} are not kept in PKCS#11 tokens; choose P-256.`);
    default:
      throw new TypeError(`There is no key algorithm ${String(algorithm satisfies never)}.`);
  }
}

function findKey(cryptoki: ck.Cryptoki, session: ck.Handle, description: KeyDescription): ck.Handle {
  cryptoki.C_FindObjectsInit(session, [
    { type: ck.CKA_CLASS, value: ck.CKO_PRIVATE_KEY },
    { type: ck.CKA_LABEL, value: labelOf(description) },
  ]);
  const [key, ...others] = cryptoki.C_FindObjects(session, 2);
  cryptoki.C_FindObjectsFinal(session);
  if (key === undefined || others.length > 0) {
    throw new AuthorityError('KEY_UNKNOWN', `The token does not hold key ${description.id}; is it the right token?`);
  }
  const [id, extractable] = cryptoki.C_GetAttributeValue(session, key, [
    { type: ck.CKA_ID },
    { type: ck.CKA_EXTRACTABLE },
  ]);
  if (id?.value.equals(roleHash(description)) !== true || extractable?.value[0] !== 0) {
    throw new AuthorityError(
      'KEY_CORRUPT',
      `The file of key ${description.id} does not fit the key in the token; restore it from its copy.`,
    );
  }
  return key;
}

function publicKeyOf(cryptoki: ck.Cryptoki, session: ck.Handle, key: ck.Handle, algorithm: KeyAlgorithm): Uint8Array {
  if (algorithm !== 'RSA-3072') {
    return ecPublicKey(cryptoki, session, key, algorithm === 'P-256' ? 'P-256' : 'P-384');
  }
  const [n, e] = cryptoki
    .C_GetAttributeValue(session, key, [{ type: ck.CKA_MODULUS }, { type: ck.CKA_PUBLIC_EXPONENT }])
    .map(({ value }) => value.toString('base64url'));
  const publicKey = createPublicKey({ key: { kty: 'RSA', n: n!, e: e! }, format: 'jwk' });
  return new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
}

function labelOf({ id }: KeyDescription): string {
  return `licet:${id}`;
}

function roleHash(description: KeyDescription): Buffer {
  return hash('sha256', roleBytes(description), 'buffer');
}

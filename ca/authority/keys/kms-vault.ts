import { hash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { derToRaw } from '@licet/keystores';
import { AuthorityError } from '../errors.ts';
import type { PrivateKey, Vault, VaultEntry } from '../ports/key-store.ts';
import type { KeyAlgorithm, KeyDescription, KeyRole } from '../ports/signer.ts';
import { ALGORITHMS } from './algorithms.ts';
import { roleBytes } from './key-file.ts';
import { KmsClient, type KmsOptions } from './kms-client.ts';

type CloudAlgorithm = Extract<KeyAlgorithm, 'P-256' | 'P-384' | 'RSA-3072'>;

const IN_CLOUD: Readonly<
  Record<CloudAlgorithm, { readonly spec: string; readonly sign: string; readonly size: number }>
> = {
  'P-256': { spec: 'ECC_NIST_P256', sign: 'ECDSA_SHA_256', size: 32 },
  'P-384': { spec: 'ECC_NIST_P384', sign: 'ECDSA_SHA_384', size: 48 },
  'RSA-3072': { spec: 'RSA_3072', sign: 'RSASSA_PKCS1_V1_5_SHA_256', size: 384 },
};

const NOT_KNOWN_YET = new Uint8Array();
const TRIES = 8;
const PAUSE_MS = 250;

export function openKmsVault(options: KmsOptions, clock: { now(): Date }): Vault {
  return new KmsVault(new KmsClient(options, clock));
}

/**
 * Keys that never leave AWS. The description of a key in KMS says what it is for and holds the hash of its role, so a key
 * file that was changed to another purpose or tenant does not find its key. Certificate and retirement are kept by the
 * file alone.
 */
class KmsVault implements Vault {
  readonly kind = 'aws-kms';
  readonly #client: KmsClient;

  constructor(client: KmsClient) {
    this.#client = client;
  }

  async generate(role: KeyRole, describe: (publicKey: Uint8Array) => KeyDescription): Promise<VaultEntry> {
    const created = await this.#client.call('CreateKey', {
      KeySpec: factsOf(role.algorithm).spec,
      KeyUsage: 'SIGN_VERIFY',
      Description: roleText(describe(NOT_KNOWN_YET)),
    });
    const arn = created.object('KeyMetadata').text('Arn', /./);
    return { description: describe(await this.#publicKeyOf(arn)), vault: this.kind, secret: { arn } };
  }

  /** KMS is eventually consistent: a key that was made this moment may not be found yet, and is paid for already. */
  async #publicKeyOf(arn: string): Promise<Uint8Array> {
    for (let tries = 1; ; tries += 1) {
      try {
        return (await this.#client.call('GetPublicKey', { KeyId: arn })).bytes('PublicKey');
      } catch (error) {
        if (tries === TRIES) throw error;
        await pause(PAUSE_MS);
      }
    }
  }

  async open({ description, secret }: VaultEntry): Promise<PrivateKey> {
    const arn = secret['arn'] ?? '';
    const { publicKey, id, algorithm } = description;
    const [found, held] = await Promise.all([
      this.#client.call('DescribeKey', { KeyId: arn }),
      this.#client.call('GetPublicKey', { KeyId: arn }),
    ]);
    const isIts = found.object('KeyMetadata').text('Description') === roleText(description);
    if (!isIts || Buffer.compare(held.bytes('PublicKey'), publicKey) !== 0) {
      throw new AuthorityError(
        'KEY_CORRUPT',
        `The file of key ${id} does not fit the key in KMS; restore it from its copy.`,
      );
    }
    const { sign, size } = factsOf(algorithm);
    return {
      sign: async (bytes, form) => {
        const { digest, isEcdsa } = ALGORITHMS[algorithm];
        const answer = await this.#client.call('Sign', {
          KeyId: arn,
          Message: hash(digest ?? 'sha256', bytes, 'base64'),
          MessageType: 'DIGEST',
          SigningAlgorithm: sign,
        });
        const signature = answer.bytes('Signature');
        return isEcdsa && form === 'jws' ? derToRaw(signature, size) : signature;
      },
    };
  }

  async reseal(entry: VaultEntry, description: KeyDescription): Promise<VaultEntry> {
    return { ...entry, description };
  }

  async close(): Promise<void> {
    this.#client.close();
  }
}

function factsOf(algorithm: KeyAlgorithm): (typeof IN_CLOUD)[CloudAlgorithm] {
  switch (algorithm) {
    case 'P-256':
    case 'P-384':
    case 'RSA-3072':
      return IN_CLOUD[algorithm];
    case 'Ed25519':
    case 'ML-DSA-65':
      throw new AuthorityError('SIGNER_REFUSED', `Keys of ${algorithm} are not kept in AWS KMS; choose P-256.`);
    default:
      throw new TypeError(`There is no key algorithm ${String(algorithm satisfies never)}.`);
  }
}

/** For whoever looks into KMS, and for us. The public key is compared by itself. */
function roleText(description: KeyDescription): string {
  const { purpose, id, organization, enterprise } = description;
  const tenant = enterprise === undefined ? organization : `${organization}/${enterprise}`;
  return `licet ${purpose} key ${id} of ${tenant} ${hash('sha256', roleBytes({ ...description, publicKey: NOT_KNOWN_YET }))}`;
}

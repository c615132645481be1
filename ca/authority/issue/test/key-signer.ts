import { generateKeyPairSync, hash, type KeyObject, sign } from 'node:crypto';
import { AuthorityError } from '../../errors.ts';
import type {
  JournalEntry,
  JournalRecord,
  KeyAlgorithm,
  KeyDescription,
  KeyRole,
  RevocationRecord,
  Signer,
  SignRequest,
} from '../../ports/signer.ts';

const DIGESTS: Readonly<Record<KeyAlgorithm, string | null>> = {
  'P-256': 'sha256',
  'P-384': 'sha384',
  'RSA-3072': 'sha256',
  Ed25519: null,
  'ML-DSA-65': null,
};

const TYPES: Readonly<Record<KeyAlgorithm, () => { publicKey: KeyObject; privateKey: KeyObject }>> = {
  'P-256': () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  'P-384': () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  'RSA-3072': () => generateKeyPairSync('rsa', { modulusLength: 3072 }),
  Ed25519: () => generateKeyPairSync('ed25519'),
  'ML-DSA-65': () => generateKeyPairSync('ml-dsa-65'),
};

export const generate = (algorithm: KeyAlgorithm) => TYPES[algorithm]();

/**
 * Keys and journal in this process, with neither files nor fsync: the real signer has its own tests and is not under
 * test here. It fails on command in the three ways that a signer has.
 */
export class KeySigner implements Signer {
  readonly journal: JournalEntry[] = [];
  readonly #keys = new Map<string, { readonly description: KeyDescription; readonly privateKey: KeyObject }>();
  readonly #failures: ('before' | 'ordered' | 'signed')[] = [];
  readonly #now: () => Date;
  /** Refuses bytes, as the purpose of a key would. */
  refuses: (request: SignRequest) => boolean = () => false;
  batches: number[] = [];

  constructor(now: () => Date) {
    this.#now = now;
  }

  /** `before`: nothing happened; `ordered`: the order is in the journal; `signed`: also the signature, not the answer. */
  failNext(when: 'before' | 'ordered' | 'signed'): void {
    this.#failures.push(when);
  }

  createKey({ purpose, algorithm, organization, enterprise }: KeyRole): Promise<KeyDescription> {
    const { publicKey, privateKey } = generate(algorithm);
    const description: KeyDescription = {
      id: `key-${this.#keys.size + 1}`,
      purpose,
      algorithm,
      organization,
      enterprise,
      publicKey: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })),
      createdAt: this.#now(),
      generation: 1,
      retiredAt: undefined,
      certificate: undefined,
    };
    this.#keys.set(description.id, { description, privateKey });
    return Promise.resolve(description);
  }

  async sign(requests: readonly SignRequest[]): Promise<readonly Uint8Array[]> {
    await Promise.resolve();
    this.batches.push(requests.length);
    const failure = this.#failures.shift();
    const unavailable = () => new AuthorityError('SIGNER_UNAVAILABLE', 'The signer was told to fail.');
    if (failure === 'before') throw unavailable();
    if (requests.some((request) => this.refuses(request)))
      throw new AuthorityError('SIGNER_REFUSED', 'The signer was told to refuse.');
    const orders = requests.map(({ key, kind, bytes }) =>
      this.#append({ type: 'signature', key, kind, digest: hash('sha256', bytes, 'buffer'), signed: bytes }),
    );
    if (failure === 'ordered') throw unavailable();
    const signatures = requests.map((request) => this.signNow(request));
    signatures.forEach((signature, i) => this.#append({ type: 'signed', of: orders[i]!, signature }));
    if (failure === 'signed') throw unavailable();
    return signatures;
  }

  signNow({ key, bytes }: SignRequest): Uint8Array {
    const { privateKey, description } = this.#keys.get(key)!;
    return sign(DIGESTS[description.algorithm], bytes, privateKey);
  }

  #append(record: JournalRecord): bigint {
    const sequence = BigInt(this.journal.length + 1);
    const none = new Uint8Array(32);
    this.journal.push({ sequence, previous: none, hash: none, at: this.#now(), record });
    return sequence;
  }

  recordRevocations(records: readonly RevocationRecord[]): Promise<void> {
    for (const record of records) this.#append({ type: 'revocation', ...record });
    return Promise.resolve();
  }

  keys(): Promise<readonly KeyDescription[]> {
    return Promise.resolve([...this.#keys.values()].map(({ description }) => description));
  }

  journalHead(): Promise<{ sequence: bigint; hash: Uint8Array }> {
    return Promise.resolve({ sequence: BigInt(this.journal.length), hash: new Uint8Array(32) });
  }

  journalAfter(sequence: bigint, limit: number): Promise<readonly JournalEntry[]> {
    return Promise.resolve(this.journal.slice(Number(sequence), Number(sequence) + limit));
  }

  bindCertificate = () => unused();
  rotateKey = () => unused();
  retireKey = () => unused();
  ping = () => Promise.resolve();
  close = () => Promise.resolve();
}

function unused(): Promise<never> {
  return Promise.reject(new Error('Issuing has no need of this'));
}

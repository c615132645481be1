import { hash } from 'node:crypto';
import type { Certificate } from '@licet/format';
import { AuthorityError } from '../errors.ts';
import { type CrashHook, noCrash } from '../issue/crash-points.ts';
import { unknownKey } from '../keys/folder.ts';
import type { Clock } from '../ports/clock.ts';
import type { Journal } from '../ports/journal.ts';
import type { KeyStore, PrivateKey } from '../ports/key-store.ts';
import type {
  JournalEntry,
  JournalRecord,
  KeyDescription,
  KeyRole,
  RevocationRecord,
  Signer,
  SignRequest,
} from '../ports/signer.ts';
import type { Anchors } from './anchors.ts';
import { checkBinding, isVouchedFor } from './binding.ts';
import { bindKey, refuse, type BoundKey } from './policy/bound-key.ts';
import { checkRequestAgainstKey } from './policy/policy.ts';
import { StatementCounter } from './statements.ts';

/** Enough for the largest batch that forms by itself, small enough that one caller cannot hold up the others. */
const MAX_BATCH = 1024;
const STATEMENTS_EVERY_MS = 5000;
/** A key in a cloud takes some tens of milliseconds to open, and each enterprise has one. */
const OPENED_AT_ONCE = 8;
/** One page of the journal: what a reader may ask for at once. */
const MAX_PAGE = 1000;

/** `key` is undefined once it is retired. */
type OpenKey = { readonly bound: BoundKey; readonly key: PrivateKey | undefined };

/** The signer itself, in the process that holds the keys: check, record, sign. */
export class LocalSigner implements Signer {
  readonly #store: KeyStore;
  readonly #journal: Journal;
  readonly #anchors: Anchors;
  readonly #clock: Clock;
  readonly #crashPoint: CrashHook;
  readonly #keys = new Map<string, OpenKey>();
  readonly #statements = new StatementCounter();
  readonly #timer: NodeJS.Timeout;
  /** Each counts on from those before. */
  readonly #rotations = new Turns();
  /** Two that changed one key at once would write the same file, and the later forget what the earlier has said. */
  readonly #changes = new Turns();

  private constructor(store: KeyStore, journal: Journal, anchors: Anchors, clock: Clock, crashPoint: CrashHook) {
    this.#store = store;
    this.#journal = journal;
    this.#anchors = anchors;
    this.#clock = clock;
    this.#crashPoint = crashPoint;
    this.#timer = setInterval(() => this.#journal.note(this.#statements.take()), STATEMENTS_EVERY_MS).unref();
  }

  /** Opens every key that is not retired: one that is damaged shows at the start and not at its first use. */
  static async open(
    store: KeyStore,
    journal: Journal,
    anchors: Anchors,
    clock: Clock,
    crashPoint: CrashHook = noCrash,
  ): Promise<LocalSigner> {
    const signer = new LocalSigner(store, journal, anchors, clock, crashPoint);
    const all = await store.list();
    for (let i = 0; i < all.length; i += OPENED_AT_ONCE) {
      await Promise.all(all.slice(i, i + OPENED_AT_ONCE).map((description) => signer.#use(description)));
    }
    return signer;
  }

  async keys(): Promise<readonly KeyDescription[]> {
    return this.#store.list();
  }

  async createKey(role: KeyRole): Promise<KeyDescription> {
    return this.#create(role, 1);
  }

  async rotateKey(id: string): Promise<KeyDescription> {
    return this.#rotations.take(() => this.#rotate(id));
  }

  async #rotate(id: string): Promise<KeyDescription> {
    const { purpose, algorithm, organization, enterprise } = this.#find(id).bound.description;
    const role = { purpose, algorithm, organization, ...(enterprise !== undefined && { enterprise }) };
    const created = await this.#create(role, (await this.#newestOf(role)) + 1);
    await this.#recordKey(id, 'rotated', created.publicKey);
    return created;
  }

  async bindCertificate(id: string, certificate: Uint8Array, issuer?: Uint8Array): Promise<void> {
    return this.#changes.take(async () => {
      const { bound } = this.#find(id);
      await this.#checkIssuer(bound, checkBinding(bound, certificate, issuer));
      await this.#recordKey(id, 'bound', certificate);
      await this.#use(await this.#store.bind(id, certificate));
    });
  }

  async retireKey(id: string): Promise<void> {
    return this.#changes.take(async () => {
      const { bound } = this.#find(id);
      await this.#recordKey(id, 'retired', bound.description.publicKey);
      await this.#use(await this.#store.retire(id));
    });
  }

  async sign(requests: readonly SignRequest[]): Promise<readonly Uint8Array[]> {
    if (requests.length > MAX_BATCH) {
      throw new AuthorityError('SIGNER_REFUSED', `At most ${MAX_BATCH} signatures are made at once; ask in parts.`);
    }
    const now = this.#clock.now();
    const keys = requests.map((request) => {
      const open = this.#find(request.key);
      checkRequestAgainstKey(open.bound, request, now);
      return open;
    });
    const orders = requests.flatMap((request) => orderOf(request) ?? []);
    // Record, then sign: from here on whatever happens is known (docs/decisions/0005-journal.md).
    const first = orders.length > 0 ? await this.#journal.append(orders) : 0n;
    if (orders.length > 0) this.#crashPoint('issue.journaled');
    const signatures = await signAll(keys, requests);
    this.#noteOutcome(requests, signatures, first);
    return signatures;
  }

  async recordRevocations(records: readonly RevocationRecord[]): Promise<void> {
    await this.#journal.append(records.map((record) => ({ type: 'revocation', ...record }) as const));
  }

  async journalHead(): Promise<{ readonly sequence: bigint; readonly hash: Uint8Array }> {
    return this.#journal.head();
  }

  async journalAfter(sequence: bigint, limit: number): Promise<readonly JournalEntry[]> {
    return this.#journal.after(sequence, Math.min(limit, MAX_PAGE));
  }

  async ping(): Promise<void> {
    this.#journal.head();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#journal.note(this.#statements.take());
    await this.#journal.close();
    await this.#store.close();
  }

  async #create(role: KeyRole, generation: number): Promise<KeyDescription> {
    const description = await this.#store.create(role, generation);
    await this.#recordKey(description.id, 'created', description.publicKey);
    await this.#use(description);
    return description;
  }

  /** Of all keys of the role: an older one may be rotated too, and no two may be of one generation. */
  async #newestOf({ purpose, organization, enterprise }: KeyRole): Promise<number> {
    const same = (await this.#store.list()).filter(
      (key) => key.purpose === purpose && key.organization === organization && key.enterprise === enterprise,
    );
    return Math.max(...same.map(({ generation }) => generation));
  }

  async #use(description: KeyDescription): Promise<void> {
    const key = description.retiredAt === undefined ? await this.#store.open(description.id) : undefined;
    this.#keys.set(description.id, { bound: bindKey(description), key });
  }

  async #recordKey(
    key: string,
    event: Extract<JournalRecord, { type: 'key' }>['event'],
    evidence: Uint8Array,
  ): Promise<void> {
    await this.#journal.append([{ type: 'key', key, event, digest: hash('sha256', evidence, 'buffer') }]);
  }

  async #checkIssuer(key: BoundKey, issuer: Certificate | undefined): Promise<void> {
    if (issuer === undefined) return;
    const own = [...this.#keys.values()].flatMap(({ bound }) => bound.certificate ?? []);
    const trusted = [...own, ...this.#anchors.all];
    if (trusted.length === 0) await this.#anchors.add(issuer.der);
    else if (!isVouchedFor(issuer, trusted)) {
      refuse(key, 'nobody here vouches for the issuer; put its certificate into the folder "anchors" if it is genuine');
    }
  }

  #find(id: string): OpenKey {
    const open = this.#keys.get(id);
    if (open === undefined) throw unknownKey(id);
    return open;
  }

  #noteOutcome(requests: readonly SignRequest[], signatures: readonly Uint8Array[], first: bigint): void {
    const outcomes: JournalRecord[] = [];
    requests.forEach(({ key, kind }, i) => {
      if (kind === 'ocsp' || kind === 'token') this.#statements.add(key, kind);
      else outcomes.push({ type: 'signed', of: first + BigInt(outcomes.length), signature: signatures[i]! });
    });
    if (outcomes.length > 0) this.#journal.note(outcomes);
  }
}

/** What is done one after the other; what fails keeps nobody from their turn. */
class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(work: () => Promise<T>): Promise<T> {
    const own = this.#last.then(work);
    this.#last = own.catch(() => undefined);
    return own;
  }
}

/** The journal line that must be durable before the key touches the bytes; undefined for statements. */
function orderOf({ key, kind, bytes }: SignRequest): JournalRecord | undefined {
  if (kind === 'ocsp' || kind === 'token') return undefined;
  const digest = hash('sha256', bytes, 'buffer');
  return { type: 'signature', key, kind, digest, signed: kind === 'certificate' ? bytes : undefined };
}

/** Keys that answer at once are not made to wait for a promise each. */
async function signAll(keys: readonly OpenKey[], requests: readonly SignRequest[]): Promise<readonly Uint8Array[]> {
  const made = requests.map(({ bytes, kind }, i) => keys[i]!.key!.sign(bytes, kind === 'token' ? 'jws' : 'x509'));
  if (made.every((signature) => signature instanceof Uint8Array)) return made;
  try {
    return await Promise.all(made.map(async (signature) => signature));
  } catch (cause) {
    if (!(cause instanceof AuthorityError)) throw cause;
    // It did open: a place that takes its PIN or its credentials no more is away, and may be back.
    throw new AuthorityError('SIGNER_UNAVAILABLE', cause.message, { cause });
  }
}

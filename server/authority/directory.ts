import { hash } from 'node:crypto';
import { IssuerGeneration, type KeyDescription, type KeyPurpose } from '@licet/authority';
import { type Certificate, decodeCertificate, toHex } from '@licet/format';
import type { AuditEvent, AuditLog } from '../licensing/ports/audit-log.ts';
import type { Clock } from '../licensing/ports/clock.ts';
import type { Transaction, Transactions } from '../licensing/ports/transactions.ts';
import type { Authorities, Authority, AuthorityQuery, Role } from './ports/authorities.ts';

export type Opened = {
  readonly authority: Authority;
  readonly generation: IssuerGeneration;
  /** What vouches for the root of its chain, for those who trust one before or after it (RFC 4210 §4.4). */
  readonly links: readonly Certificate[];
};

/** The CA with all above it, as it is shown to others: the root last, and before it what vouches for that. */
export const shownChain = ({ generation: { chain }, links }: Opened): readonly Certificate[] => [
  ...chain.slice(0, -1),
  ...links,
  ...chain.slice(-1),
];

/** Whose key signed a link: each names that. */
export const issuerKeyOf = ({ extensions }: Certificate): Uint8Array =>
  extensions.authorityKeyIdentifier!.keyIdentifier!;

export type DirectoryDeps = {
  readonly transactions: Transactions;
  readonly authorities: Authorities;
  readonly auditLog: AuditLog;
  readonly clock: Clock;
};

/** Why authorities changed, for the audit log. What a certificate was issued for stands there anyway. */
export type Because = {
  readonly action: 'authority.imported' | 'authority.rolledOver' | 'authority.retired' | 'authority.delegated';
  readonly actor: string;
  readonly details?: Readonly<Record<string, unknown>>;
};

/** Deeper than any chain of ours; a loop of parents ends here and not never. */
const LONGEST_CHAIN = 8;
const MOST_ROOTS = 100;
/** More enterprises than these are told apart by the label in the address. */
const MOST_SHOWN = 100;
const PAGE = 500;
/** How late another process notices a change. */
const LOOK_EVERY_MS = 2000;

/**
 * The authorities, read and parsed once. What is cached holds while the version in the database stands still; a change
 * made here is seen at once, one of another process within two seconds.
 */
export class Directory {
  readonly #deps: DirectoryDeps;
  readonly #opened = new Map<string, Promise<Opened | undefined>>();
  readonly #active = new Map<string, Promise<Opened | undefined>>();
  #roots: Promise<readonly Uint8Array[]> | undefined;
  #version: bigint | undefined;
  #held: Promise<readonly IssuerGeneration[]> | undefined;
  readonly #inUse = new Map<string, Promise<readonly Opened[]>>();
  #timer: NodeJS.Timeout | undefined;
  readonly #listeners: (() => void)[] = [];

  constructor(deps: DirectoryDeps) {
    this.#deps = deps;
  }

  /** `report` hears of looks that failed; the cache stays as it is until one succeeds. */
  watch(report: (error: unknown) => void): void {
    this.#timer = setInterval(() => void this.refresh().catch(report), LOOK_EVERY_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Told when there is another authority, or another certificate or status of one. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  async refresh(): Promise<void> {
    const version = await this.#read((tx) => this.#deps.authorities.version(tx));
    if (version === this.#version) return;
    const isFirst = this.#version === undefined;
    this.#version = version;
    this.#opened.clear();
    this.#active.clear();
    this.#roots = undefined;
    this.#held = undefined;
    this.#inUse.clear();
    if (!isFirst) for (const listener of this.#listeners) listener();
  }

  /** Whatever its status: recovery and status answers need old ones too. */
  find(key: string): Promise<Opened | undefined> {
    return this.#cached(this.#opened, key, () => this.#read((tx) => this.#load(tx, key)));
  }

  generationOf = async (key: string): Promise<IssuerGeneration | undefined> => (await this.find(key))?.generation;

  /** The one that signs new certificates in this role. */
  active(role: Role): Promise<Opened | undefined> {
    const { organization, kind, enterprise = '', contract = '' } = role;
    return this.#cached(this.#active, [organization, kind, enterprise, contract].join('/'), async () => {
      const authority = await this.#read((tx) => this.#deps.authorities.active(tx, role));
      return authority && this.find(authority.key);
    });
  }

  async byKeyIdentifier(keyIdentifier: Uint8Array): Promise<Opened | undefined> {
    return this.#cached(this.#opened, `ski ${toHex(keyIdentifier)}`, async () => {
      const authority = await this.#read((tx) => this.#deps.authorities.byKeyIdentifier(tx, keyIdentifier));
      return authority && this.find(authority.key);
    });
  }

  /** The roots that are in use here, DER. */
  roots(): Promise<readonly Uint8Array[]> {
    this.#roots ??= this.list({ kind: 'root', limit: MOST_ROOTS }).then((all) =>
      all.filter(({ status }) => status !== 'retired').map(({ certificate }) => certificate),
    );
    this.#roots.catch(() => (this.#roots = undefined));
    return this.#roots;
  }

  /** All whose keys are in our signer and not retired: their CRLs and OCSP answers are made here. */
  held(): Promise<readonly IssuerGeneration[]> {
    this.#held ??= this.#readHeld();
    this.#held.catch(() => (this.#held = undefined));
    return this.#held;
  }

  /**
   * The CAs of these licenses, whether they sign new ones or only stand above old ones: what a site may meet in a
   * rollover. Those in office first, at most `MOST_SHOWN` of a kind.
   */
  inUse(organization: string, kind: 'organization' | 'enterprise', enterprise?: string): Promise<readonly Opened[]> {
    const id = [organization, kind, enterprise].join('/');
    let found = this.#inUse.get(id);
    if (found === undefined)
      this.#inUse.set(
        id,
        (found = this.#readInUse({ organization, kind, ...(enterprise !== undefined && { enterprise }) })),
      );
    found.catch(() => this.#inUse.delete(id));
    return found;
  }

  /** Whose service CA certifies servers here. */
  async serviceOrganization(): Promise<string | undefined> {
    const all = await this.list({ kind: 'service', limit: MOST_ROOTS });
    return all.find(({ status }) => status === 'active')?.organization;
  }

  list(query: AuthorityQuery): Promise<readonly Authority[]> {
    return this.#read((tx) => this.#deps.authorities.list(tx, query));
  }

  async save(authority: Authority, because?: Because): Promise<void> {
    await this.saveAll([authority], because);
  }

  /** In one transaction and in this order: the one that goes before the one that comes. */
  async saveAll(authorities: readonly Authority[], because?: Because): Promise<void> {
    const { transactions, authorities: store, auditLog, clock } = this.#deps;
    await transactions.run('platform', async (tx) => {
      for (const authority of authorities) await store.save(tx, authority);
      if (because === undefined) return;
      await auditLog.append(
        tx,
        authorities.map((authority) => auditEntryOf(authority, because, clock.now())),
      );
    });
    await this.refresh();
  }

  #read<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#deps.transactions.run('platform', work, { readOnly: true });
  }

  async #readInUse(query: Omit<AuthorityQuery, 'limit'>): Promise<readonly Opened[]> {
    const all = (await this.list({ ...query, limit: MOST_SHOWN })).filter(({ status }) => status !== 'retired');
    const inOrder = all.toSorted((a, b) => Number(b.status === 'active') - Number(a.status === 'active'));
    const opened = await Promise.all(inOrder.map(({ key }) => this.find(key)));
    return opened.filter((one) => one !== undefined);
  }

  async #readHeld(): Promise<readonly IssuerGeneration[]> {
    const found: IssuerGeneration[] = [];
    for (let after: string | undefined; ;) {
      const page = await this.list({ limit: PAGE, ...(after !== undefined && { after }) });
      for (const { key, held, status } of page) {
        const generation = held && status !== 'retired' ? await this.generationOf(key) : undefined;
        if (generation !== undefined) found.push(generation);
      }
      after = page.at(-1)?.key;
      if (page.length < PAGE) return found;
    }
  }

  /** What was not found, or failed, is looked for again the next time. */
  async #cached(
    cache: Map<string, Promise<Opened | undefined>>,
    id: string,
    load: () => Promise<Opened | undefined>,
  ): Promise<Opened | undefined> {
    let found = cache.get(id);
    if (found === undefined) cache.set(id, (found = load()));
    const forget = () => {
      if (cache.get(id) === found) cache.delete(id);
    };
    found.then((value) => value ?? forget(), forget);
    return found;
  }

  async #load(tx: Transaction, key: string): Promise<Opened | undefined> {
    const authority = await this.#deps.authorities.get(tx, key);
    if (authority === undefined) return undefined;
    const chain: [Certificate, ...Certificate[]] = [decodeCertificate(authority.certificate)];
    let root = authority;
    let above = authority.parent;
    while (above !== undefined && chain.length < LONGEST_CHAIN) {
      const parent = await this.#deps.authorities.get(tx, above);
      if (parent === undefined) throw new Error(`The authority ${above} above ${key} is gone.`);
      chain.push(decodeCertificate(parent.certificate));
      above = parent.parent;
      root = parent;
    }
    return {
      authority,
      generation: IssuerGeneration.open(descriptionOf(authority, chain[0]), chain, authority.addresses),
      links: await this.#linksTo(tx, root),
    };
  }

  /** From root to root, as far as any vouches for it; each is passed once. */
  async #linksTo(tx: Transaction, root: Authority): Promise<readonly Certificate[]> {
    const found: Certificate[] = [];
    const seen = new Set([toHex(root.keyIdentifier)]);
    const roots = [root];
    for (const { links = [] } of roots) {
      for (const link of links.map((der) => decodeCertificate(der))) {
        const by = issuerKeyOf(link);
        if (seen.has(toHex(by)) || link.notAfter <= this.#deps.clock.now()) continue;
        seen.add(toHex(by));
        const next = await this.#deps.authorities.byKeyIdentifier(tx, by);
        if (next?.status === 'retired') continue;
        found.push(link);
        if (next !== undefined) roots.push(next);
      }
    }
    return found;
  }
}

export function auditEntryOf(
  { key, organization, kind, status, certificate }: Authority,
  { action, actor, details }: Because,
  at: Date,
): AuditEvent {
  const subject = `authority:${key}`;
  return {
    organization,
    at,
    actor,
    action,
    subject,
    details: { kind, status, certificate: hash('sha256', certificate), ...details },
  };
}

/** What the signer would say of the key; of a key that is not ours, what can be known. */
function descriptionOf(authority: Authority, certificate: Certificate): KeyDescription {
  const { key, kind, algorithm, organization, enterprise, createdAt } = authority;
  return {
    id: key,
    purpose: kind satisfies KeyPurpose,
    algorithm,
    organization,
    enterprise,
    publicKey: certificate.publicKey.raw,
    createdAt,
    generation: 1,
    retiredAt: undefined,
    certificate: authority.certificate,
  };
}

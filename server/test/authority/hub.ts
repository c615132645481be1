import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type KeyDescription, openSigner, SIGNATURE_ALGORITHMS, type Signer } from '@licet/authority';
import {
  createName,
  decodeCertificate,
  encodeCertificationRequest,
  encodeCertificationRequestInfo,
} from '@licet/format';
import { type Imported, importAuthorities } from '../../authority/import.ts';
import { beginMark } from '../../authority/journal-watch.ts';
import { systemClock } from '../../clock.ts';
import { loadConfig } from '../../config/index.ts';
import { makeCertificatePartitions } from '../../persistence/authority/partitions.ts';
import { type TestDatabase, testDatabase } from '../../persistence/test/test-database.ts';
import { type AuthorityParts, connectAuthority } from '../../wiring/authority.ts';

export const HUB_BASE = 'http://pki.globex.example';
const SUBJECT = { organization: 'demo', enterprise: 'globex' } as const;

/** The server of an enterprise that keeps its own CA: another database, another signer, no CA above. */
export class Hub {
  readonly database: TestDatabase;
  readonly signer: Signer;
  readonly authority: AuthorityParts;
  readonly #folder: string;
  readonly #chains = new Map<string, readonly Uint8Array[]>();

  private constructor(database: TestDatabase, signer: Signer, authority: AuthorityParts, folder: string) {
    this.database = database;
    this.signer = signer;
    this.authority = authority;
    this.#folder = folder;
  }

  /** `root`, which the ceremony of the acceptance lays down for the signer. */
  static async open(context: Mocha.Context, root: Uint8Array): Promise<Hub> {
    const database = await testDatabase(context, 'postgresql');
    const folder = mkdtempSync(join(tmpdir(), 'licet-hub-'));
    const argv = ['--authority.evaluation', 'off', '--authority.organization', 'demo', '--data.folder', folder];
    const { config } = await loadConfig({ argv, env: {}, directory: folder });
    mkdirSync(join(folder, 'signer', 'anchors'), { recursive: true });
    writeFileSync(join(folder, 'signer', 'anchors', 'root.der'), root);
    const keys = { wrappingKey: new Uint8Array(randomBytes(32)) };
    const signer = await openSigner({ folder: join(folder, 'signer'), clock: systemClock, keys });
    const authority = connectAuthority({ config, database, signer, holder: 'hub', base: HUB_BASE });
    await database.run('platform', (tx) => makeCertificatePartitions(tx, systemClock.now()));
    return new Hub(database, signer, authority, folder);
  }

  /** A key, and a request for its certificate as `licet authority enterprise request` writes it. */
  async request(before?: KeyDescription): Promise<{ key: KeyDescription; csr: Uint8Array }> {
    const key =
      before === undefined
        ? await this.signer.createKey({ purpose: 'enterprise', algorithm: 'P-256', ...SUBJECT })
        : await this.signer.rotateKey(before.id);
    const info = encodeCertificationRequestInfo({
      subject: createName([
        { type: 'organizationName', value: SUBJECT.organization },
        { type: 'organizationalUnitName', value: SUBJECT.enterprise },
        { type: 'commonName', value: `Globex own CA ${key.generation}` },
      ]),
      publicKey: { raw: key.publicKey },
    });
    const [signature] = await this.signer.sign([{ key: key.id, kind: 'request', bytes: info }]);
    return { key, csr: encodeCertificationRequest(info, { raw: SIGNATURE_ALGORITHMS['P-256'] }, signature!) };
  }

  /** What came back, bound to its key and imported, with whatever was before. */
  async accept({ id }: KeyDescription, chain: readonly Uint8Array[]): Promise<Imported> {
    await this.signer.bindCertificate(id, chain[0]!, chain[1]);
    await this.authority.guard.check();
    this.#chains.set(id, chain);
    return this.importInto(this.authority);
  }

  /** As the program does: also where it is fenced, since what reconcile puts back hangs below the CAs. */
  async importInto(authority: AuthorityParts): Promise<Imported> {
    const keys = await this.signer.keys();
    const bundles = [...this.#chains].map(([key, [own, ...above]]) => ({
      key: keys.find((one) => one.id === key)!,
      chain: [decodeCertificate(own!), ...above.map((der) => decodeCertificate(der))] as const,
      links: [],
    }));
    return importAuthorities(
      {
        ...authority,
        signer: this.signer,
        clock: systemClock,
        organization: 'demo',
        beforeSaving: () => beginMark(authority.journal),
      },
      bundles,
      [],
    );
  }

  /** The same signer with a database that it has never seen. */
  async withDatabase(database: TestDatabase): Promise<AuthorityParts> {
    const { config } = await loadConfig({ argv: [], env: {}, directory: this.#folder });
    await database.run('platform', (tx) => makeCertificatePartitions(tx, systemClock.now()));
    return connectAuthority({ config, database, signer: this.signer, holder: 'empty', base: HUB_BASE });
  }

  /** The same database with a signer that it has never seen. */
  async startElsewhere(): Promise<void> {
    const keys = { wrappingKey: new Uint8Array(randomBytes(32)) };
    const signer = await openSigner({ folder: join(this.#folder, 'elsewhere'), clock: systemClock, keys });
    try {
      await signer.createKey({ purpose: 'enterprise', algorithm: 'P-256', ...SUBJECT });
      const { config } = await loadConfig({ argv: [], env: {}, directory: this.#folder });
      const ground = { config, database: this.database, signer, holder: 'elsewhere', base: HUB_BASE };
      await connectAuthority(ground).guard.check();
    } finally {
      await signer.close();
    }
  }

  async close(): Promise<void> {
    this.authority.directory.stop();
    await this.signer.close();
    await this.database.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

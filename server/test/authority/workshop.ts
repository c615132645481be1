import { randomBytes, generateKeyPairSync, sign } from 'node:crypto';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSigner, type RevocationEvent, type Signer } from '@licet/authority';
import {
  type Claims,
  createAlgorithm,
  createName,
  encodeCertificationRequest,
  encodeCertificationRequestInfo,
  OID,
} from '@licet/format';
import { systemClock } from '../../clock.ts';
import { type Config, loadConfig } from '../../config/index.ts';
import type { LicenseOrder } from '../../licensing/ports/issuance.ts';
import type { ChangedCertificates } from '../../licensing/ports/revocations.ts';
import { type Database, openDatabase } from '../../persistence/database.ts';
import { testDependencies } from '../../persistence/test/dependencies.ts';
import { copyOfTemplate } from '../../persistence/test/embedded-template.ts';
import { type AuthorityParts, connectAuthority, readyAuthority } from '../../wiring/authority.ts';

export const CONTRACT = '00000000-0000-4000-8000-00000000c0de';

export function contract(change: Partial<Claims> = {}): Claims {
  return {
    id: CONTRACT,
    sequence: 1,
    modes: ['production', 'development'],
    tier: { rank: 20, code: 'gold' },
    features: ['press', 'press/remote'],
    limits: [{ code: 'machines', max: 10, scope: 'each', enforce: 'soft' }],
    term: { from: new Date('2026-01-01T00:00:00Z'), to: new Date('2028-01-01T00:00:00Z') },
    grace: 1_209_600,
    contact: 604_800,
    degrade: 'readOnly',
    ...change,
  };
}

export function makeCsr(): Uint8Array {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const info = encodeCertificationRequestInfo({
    subject: createName([{ type: 'commonName', value: 'whatever' }]),
    publicKey: { raw: publicKey.export({ type: 'spki', format: 'der' }) },
  });
  return encodeCertificationRequest(info, createAlgorithm(OID.ecdsaWithSha256), sign('sha256', info, privateKey));
}

/** As `licet authority enterprise request` makes it. */
export function caRequest(enterprise: string): Uint8Array {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const info = encodeCertificationRequestInfo({
    subject: createName([
      { type: 'organizationName', value: 'demo' },
      { type: 'organizationalUnitName', value: enterprise },
      { type: 'commonName', value: 'Own CA' },
    ]),
    publicKey: { raw: publicKey.export({ type: 'spki', format: 'der' }) },
  });
  const signature = sign('sha256', info, privateKey);
  return encodeCertificationRequest(info, createAlgorithm(OID.ecdsaWithSha256), signature);
}

export function licenseOrder(lineage: string, sold: Claims = contract()): LicenseOrder {
  const claims: Claims = { ...sold, id: lineage, sequence: 1, modes: ['production'] };
  return {
    organization: 'demo',
    enterprise: 'globex',
    site: `plant-${lineage.slice(-4)}`,
    claims,
    contract: sold,
    key: { csr: makeCsr() },
    ground: `first ${lineage}`,
    facts: {
      enterprise: '00000000-0000-4000-8000-000000000e01',
      contract: CONTRACT,
      site: '00000000-0000-4000-8000-000000000501',
      lineage,
      sequence: 1,
      mode: 'production',
      predecessor: undefined,
      kind: 'first',
      principal: 'user:test',
    },
  };
}

export const lineageOf = (number: number): string => `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;

/** A server's authority without its listeners: the embedded database, and a signer in this process. */
export class Workshop {
  readonly folder = mkdtempSync(join(tmpdir(), 'licet-authority-'));
  readonly data: string;
  readonly #wrappingKey = new Uint8Array(randomBytes(32));
  config!: Config;
  database!: Database;
  signer!: Signer;
  authority!: AuthorityParts;
  /** What stands between the server and its signer: for faults. */
  around: (signer: Signer) => Signer = (signer) => signer;

  private constructor(data: string) {
    this.data = data;
  }

  static async open(): Promise<Workshop> {
    const workshop = new Workshop(await copyOfTemplate());
    workshop.config = (await loadConfig({ argv: [], env: {}, directory: workshop.folder })).config;
    await workshop.start();
    return workshop;
  }

  /** As far as the server's start goes before it opens its doors. */
  async start(): Promise<void> {
    this.database = await openDatabase({ host: 'embedded', folder: this.data }, testDependencies());
    this.signer = await openSigner({
      folder: join(this.folder, 'signer'),
      clock: systemClock,
      keys: { wrappingKey: Uint8Array.from(this.#wrappingKey) },
    });
    const { config, database } = this;
    const ground = { config, database, signer: this.around(this.signer), holder: 'test', base: 'http://pki.example' };
    this.authority = connectAuthority(ground);
    await readyAuthority(ground, this.authority);
  }

  /** As a use case has it done, in its transaction. Resolves to how many certificates were changed. */
  async changeStatus(event: RevocationEvent, of: ChangedCertificates, organization = 'demo'): Promise<number> {
    let count = 0;
    const change = { event, of, context: {}, counted: (changed: number) => void (count = changed) };
    const by = { organization, principal: 'user:test', at: systemClock.now() };
    const { licenseRevocations } = this.authority;
    const tell = await this.database.run({ organization }, (tx) => licenseRevocations.within(tx, by, [change]));
    tell();
    return count;
  }

  async stop(): Promise<void> {
    await this.signer.close();
    await this.database.close();
  }

  /** A copy of the stopped database, made or put back. */
  backUp(): void {
    cpSync(this.data, join(this.folder, 'backup'), { recursive: true });
  }

  restore(): void {
    rmSync(this.data, { recursive: true });
    cpSync(join(this.folder, 'backup'), this.data, { recursive: true });
  }

  async close(): Promise<void> {
    await this.stop();
    rmSync(this.data, { recursive: true, force: true });
    rmSync(this.folder, { recursive: true, force: true });
  }
}

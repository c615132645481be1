import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type AuthorityBundle,
  createHierarchy,
  type IssuerGeneration,
  openSigner,
  type Signer,
} from '@licet/authority';
import { Directory } from '../../authority/directory.ts';
import { type ImportDeps, importAuthorities } from '../../authority/import.ts';
import { systemClock } from '../../clock.ts';
import { auditLog } from '../../persistence/audit-log.ts';
import { authorities } from '../../persistence/authority/authorities.ts';
import { createRevocationStore } from '../../persistence/authority/revocation-store.ts';
import { leases } from '../../persistence/leases.ts';
import { outbox } from '../../persistence/outbox.ts';
import { type TestDatabase, testDatabase } from '../../persistence/test/test-database.ts';
import { contract } from './workshop.ts';

const BASE = 'http://pki.example';
const YEAR_MS = 365 * 86_400_000;

describe('the import of what a ceremony made', function () {
  this.timeout(30_000);
  const folder = mkdtempSync(join(tmpdir(), 'licet-import-'));
  const signers: Signer[] = [];
  let database: TestDatabase;
  let deps: ImportDeps;
  let bundles: AuthorityBundle[];

  const signerIn = async (name: string) => {
    const keys = { wrappingKey: new Uint8Array(randomBytes(32)) };
    const signer = await openSigner({ folder: join(folder, name), clock: systemClock, keys });
    signers.push(signer);
    return signer;
  };
  before(async function () {
    database = await testDatabase(this, 'embedded');
    const online = await signerIn('online');
    const made = await createHierarchy({
      signers: { root: await signerIn('offline'), online },
      clock: systemClock,
      random: { bytes: (length) => new Uint8Array(randomBytes(length)) },
      algorithm: 'P-256',
      organization: 'acme',
      names: { root: 'Root', organization: 'License CA', service: 'Service CA' },
      base: BASE,
      shards: 4,
      claims: contract(),
    });
    const keys = await online.keys();
    const bundleOf = ({ key, chain }: IssuerGeneration): AuthorityBundle => ({
      key: keys.find(({ id }) => id === key)!,
      chain: [chain[0]!, ...chain.slice(1)],
    });
    bundles = [bundleOf(made.organization), bundleOf(made.service)];
    deps = {
      directory: new Directory({ transactions: database, authorities, auditLog, clock: systemClock }),
      revocations: createRevocationStore({ transactions: database, auditLog, outbox, leases, holder: 'test' }),
      signer: online,
      clock: systemClock,
      publish: { base: BASE, shards: 4 },
      organization: 'acme',
    };
  });
  after(async () => {
    for (const signer of signers) await signer.close();
    await database?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const refused = async (change: Partial<ImportDeps>, code: string, given: readonly AuthorityBundle[] = bundles) => {
    await assert.rejects(importAuthorities({ ...deps, ...change }, given, []), { code });
    assert.deepEqual(await deps.directory.list({ limit: 10 }), [], 'nothing is written');
  };

  it('is refused when there is nothing, or it is of another organization or publishes elsewhere', async () => {
    await refused({}, 'AUTHORITY_MISSING', []);
    await refused({ organization: 'globex' }, 'ORGANIZATION_MISMATCH');
    await refused({ publish: { base: 'http://other.example', shards: 4 } }, 'PUBLISHED_ELSEWHERE');
  });

  it('is refused with a key that the signer does not hold, or with the chain of another key', async () => {
    await refused({ signer: { keys: async () => [] } }, 'KEY_UNKNOWN');
    const [organization, service] = bundles;
    await refused({}, 'KEY_UNKNOWN', [{ key: organization!.key, chain: service!.chain }]);
  });

  it('is refused with a chain that has ended or does not lead to its root', async () => {
    const later = new Date(systemClock.now().getTime() + 6 * YEAR_MS);
    await refused({ clock: { now: () => later } }, 'CHAIN_INVALID');
    const [organization, service] = bundles;
    const wrong = { key: organization!.key, chain: [organization!.chain[0], service!.chain[0]] } as const;
    await refused({}, 'CHAIN_INVALID', [wrong]);
  });

  it('writes root, organization and service CA once, and says that the root has no CRL', async () => {
    const first = await importAuthorities(deps, bundles, []);
    assert.deepEqual(
      first.authorities.map(({ kind, held, status }) => [kind, held, status]),
      [
        ['root', false, 'active'],
        ['organization', true, 'active'],
        ['service', true, 'active'],
      ],
    );
    assert.equal(first.withoutCrl.length, 1);
    const again = await importAuthorities(deps, bundles, []);
    assert.deepEqual([again.authorities.length, again.known], [0, 3]);
    assert.equal(
      (await deps.directory.active({ ...bundles[0]!.key, kind: 'organization', contract: undefined }))?.generation.chain
        .length,
      2,
    );
  });
});

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeCsr } from '@licet/authority/workshop';
import { encodePem, toHex } from '@licet/format';
import { revocationEndpoints } from '../../http/api/revocations.ts';
import { CALL_MS } from '../../licensing/licenses/change-many.ts';
import { sql } from '../../persistence/transactions.ts';
import { client, type Client } from './client.ts';
import { openShop, type Shop } from './shop.ts';
import { openWorld, type World } from './world.ts';

const LICET = join(import.meta.dirname, '../../../ops/cli/licet.js');

type Changed = { readonly serial: string; readonly status: string; readonly reason?: string };
type Many = {
  readonly total: number;
  readonly done: number;
  readonly outcomes: Record<string, number>;
  readonly finishedAt?: string;
  readonly refused: readonly object[];
};

describe('revoking, as an administrator does it', function () {
  this.timeout(20_000);
  let world: World;
  let api: Client;
  let shop: Shop;
  let folder: string;
  let sites = 2;

  before(async function () {
    this.timeout(60_000);
    world = await openWorld(this);
    api = client(world.url, world.owners.acme);
    shop = await openShop(api, 'press');
    folder = mkdtempSync(join(tmpdir(), 'licet-revoke-cli-'));
  });
  after(async () => {
    await world?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true });
  });

  async function license(): Promise<{ site: string; serial: string }> {
    const csr = encodePem('CERTIFICATE REQUEST', makeCsr('P-256'));
    const name = `plant-${(sites += 1)}`;
    const wanted = { contract: shop.contract, name, mode: 'development', csr };
    const { body } = await api.ok('POST', '/api/v1/sites/create', wanted);
    const made = body as { site: { id: string }; license: { serial: string } };
    return { site: made.site.id, serial: made.license.serial };
  }
  const change = async (serial: string, verb: string, body?: object): Promise<Changed> =>
    (await api.ok('POST', `/api/v1/licenses/${serial}/${verb}`, body)).body as Changed;
  const refusal = async (serial: string, verb: string, body?: object): Promise<string> =>
    (await api.refused('POST', `/api/v1/licenses/${serial}/${verb}`, body)).body.code;
  const many = async (body: object): Promise<Many> =>
    (await api.ok('POST', '/api/v1/license-changes', body)).body as Many;
  const journaled = async (serial: string): Promise<readonly string[]> => {
    const entries = await world.signer.journalAfter(0n, 1000);
    return entries.flatMap(({ record }) =>
      record.type === 'revocation' && toHex(record.serial) === serial ? [record.event] : [],
    );
  };
  const audited = (serial: string): Promise<readonly string[]> =>
    world.database.run('platform', async (tx) => {
      const like = `certificate:%/${serial}`;
      const rows = await sql(tx).query<{ action: string }>(
        `select action from audit_log where subject like $1 and action <> 'certificate.issued' order by sequence`,
        [like],
      );
      return rows.map(({ action }) => action);
    });

  it('suspends a license, reinstates it and revokes it: in journal, audit log and domain before it is answered', async () => {
    const { serial } = await license();
    assert.equal((await change(serial, 'suspend')).status, 'suspended');
    assert.equal((await change(serial.toUpperCase(), 'reinstate')).status, 'current');
    const { status, reason } = await change(serial, 'revoke', { reason: 'keyCompromise' });
    assert.deepEqual([status, reason], ['revoked', 'keyCompromise']);
    assert.deepEqual(await journaled(serial), ['held', 'reinstated', 'revoked']);
    const actions = ['certificate.suspended', 'certificate.reinstated', 'certificate.revoked'];
    assert.deepEqual(await audited(serial), actions);
    const { body } = await api.ok('POST', '/api/v1/keys/validate', { serial });
    assert.equal((body as { verdict: { usable: boolean } }).verdict.usable, false);
  });

  it('takes the same again for granted, and refuses what cannot be', async () => {
    const { serial } = await license();
    assert.equal(await refusal(serial, 'reinstate'), 'NOT_HELD');
    await change(serial, 'revoke', { reason: 'superseded' });
    assert.equal((await change(serial, 'revoke', { reason: 'superseded' })).status, 'revoked');
    assert.equal(await refusal(serial, 'revoke', { reason: 'keyCompromise' }), 'ALREADY_REVOKED');
    assert.equal(await refusal(serial, 'suspend'), 'ALREADY_REVOKED');
    assert.equal(await refusal('0badc0de', 'revoke', { reason: 'superseded' }), 'LICENSE_NOT_FOUND');
    assert.equal((await journaled(serial)).length, 1);
  });

  it('leaves a license of a suspended site suspended: the site is what is reinstated', async () => {
    const { site, serial } = await license();
    await api.ok('PUT', `/api/v1/sites/${site}`, { status: 'suspended' }, { 'If-Match': '*' });
    assert.equal(await refusal(serial, 'reinstate'), 'SITE_SUSPENDED');
    const { serial: other } = await license();
    await change(other, 'suspend');
    const order = { order: 'back', change: 'reinstate', serials: [serial, other, '0badc0de'] };
    const dry = await many(order);
    const real = await many({ ...order, dryRun: false });
    const outcomes = { applied: 1, unchanged: 0, alreadyRevoked: 0, notHeld: 0, notIssued: 1, siteSuspended: 1 };
    assert.deepEqual([dry.outcomes, real.outcomes, real.done], [outcomes, outcomes, 3]);
    assert.deepEqual(dry.refused[0], { serial, code: 'SITE_SUSPENDED' });
    assert.deepEqual([await journaled(serial), await journaled(other)], [['held'], ['held', 'reinstated']]);
    assert.equal((await change(serial, 'suspend')).status, 'suspended');
  });

  it('changes many: dry run first, then for good, then nothing twice', async () => {
    const { serial: first } = await license();
    const { serial: second } = await license();
    await change(second, 'revoke', { reason: 'superseded' });
    const order = { order: 'recall', change: 'revoke', reason: 'keyCompromise', serials: [first, second, '0badc0de'] };
    const dry = await many(order);
    const outcomes = { applied: 1, unchanged: 0, alreadyRevoked: 1, notHeld: 0, notIssued: 1, siteSuspended: 0 };
    assert.deepEqual(dry, {
      total: 3,
      done: 0,
      outcomes,
      refused: [
        { serial: second, code: 'ALREADY_REVOKED' },
        { serial: '0badc0de', code: 'NOT_ISSUED' },
      ],
    });
    assert.deepEqual(await journaled(first), []);
    const real = { ...order, dryRun: false };
    assert.deepEqual(await many(real), { total: 3, done: 3, outcomes, refused: [] });
    const { finishedAt, ...again } = await many(real);
    assert.deepEqual(again, { total: 3, done: 3, outcomes, refused: [] });
    assert.ok(new Date(finishedAt!) <= new Date());
    assert.equal((await many(order)).finishedAt, finishedAt);
    assert.deepEqual([await journaled(first), await audited(first)], [['revoked'], ['certificate.revoked']]);
    const other = await api.refused('POST', '/api/v1/license-changes', { ...real, serials: [first] });
    assert.equal(other.body.code, 'ORDER_MISMATCH');
    const noReason = { ...real, order: 'other', reason: undefined };
    const refused = await api.refused('POST', '/api/v1/license-changes', noReason);
    assert.equal(refused.body.code, 'REASON_MISPLACED');
  });

  it('is given the time that a call over many takes, whatever the time of others', async () => {
    const many = revocationEndpoints.find(({ path }) => path === '/api/v1/license-changes');
    assert.ok((many?.answerMs ?? 0) >= 2 * CALL_MS);
  });

  it('tells webhooks and the domain of each license once', async () => {
    const { site, serial } = await license();
    await change(serial, 'suspend');
    await api.ok('DELETE', `/api/v1/sites/${site}`, undefined, { 'If-Match': '*' });
    const told = await world.database.run('platform', (tx) =>
      sql(tx).query<{ type: string }>(
        `select type from outbox_events
          where type like 'license.%' and payload->>'serial' = $1 order by position`,
        [serial],
      ),
    );
    assert.deepEqual(told.map(({ type }) => type).slice(1), ['license.suspended', 'license.revoked']);
  });

  it('from the shell: one license, and all of a file, with a dry run and progress', async () => {
    const env = {
      PATH: process.env['PATH'] ?? '',
      LICET_CONTEXTS: join(folder, 'contexts.json'),
      LICET_URL: world.url,
      LICET_TOKEN: world.owners.acme,
    };
    const licet = async (...args: readonly string[]) => {
      const run = promisify(execFile)(process.execPath, [LICET, ...args], { env, cwd: folder });
      const ended = await run.catch((error: unknown) => error as { code: number; stdout: string; stderr: string });
      return { code: 0, ...ended };
    };
    const { serial } = await license();
    const { serial: other } = await license();
    const withColons = (text: string) => text.toUpperCase().match(/../g)!.join(':');
    const suspended = await licet('license', 'suspend', withColons(serial), '--json');
    assert.deepEqual([suspended.code, (JSON.parse(suspended.stdout) as Changed).status], [0, 'suspended']);
    writeFileSync(
      join(folder, 'list.csv'),
      `serial,site\n# of July\n${withColons(other)},plant-9\n\n0x${serial};plant-8\n`,
    );
    const command = ['license', 'change-many', 'list.csv', '--change', 'revoke', '--reason', 'superseded'];
    const dry = await licet(...command, '--dry-run', '--json');
    assert.equal((JSON.parse(dry.stdout) as Many).outcomes['applied'], 2, dry.stderr);
    const asked = await licet(...command);
    assert.deepEqual([asked.code, /NOT_CONFIRMED/.test(asked.stderr)], [64, true], asked.stderr);
    const done = await licet(...command, '--yes', '--json');
    assert.deepEqual([done.code, (JSON.parse(done.stdout) as Many).outcomes['applied']], [0, 2], done.stderr);
    assert.match(done.stderr, /2 of 2 \(100 %\), order revoke-[0-9a-f]{16}/);
    assert.deepEqual(await journaled(serial), ['held', 'revoked']);
    writeFileSync(join(folder, 'bad.txt'), `${serial}\nplant-7\n`);
    const [bad, again] = await Promise.all([
      licet('license', 'change-many', 'bad.txt', '--change', 'suspend', '--yes'),
      licet(...command, '--yes'),
    ]);
    const said = /was done at .* and changes nothing again: name a new one with --order/.test(again.stderr);
    assert.deepEqual([again.code, said, /100 %/.test(again.stderr)], [1, true, false], again.stderr);
    assert.deepEqual([bad.code, /line 2: "plant-7"/.test(bad.stderr)], [66, true], bad.stderr);
  });

  it('revokes an enterprise for a reason, and says so in the event that the authority acts on', async () => {
    const path = `/api/v1/enterprises/${shop.enterprise}`;
    const { body } = await api.ok('POST', `${path}/revoke`, { reason: 'keyCompromise' }, { 'If-Match': '*' });
    assert.equal((body as { status: string }).status, 'closed');
    const [event] = await world.database.run('platform', (tx) =>
      sql(tx).query<{ reason: string }>(
        `select payload->>'reason' as reason from outbox_events where type = 'enterprise.closed'`,
      ),
    );
    assert.equal(event?.reason, 'keyCompromise');
  });
});

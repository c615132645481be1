import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireTool } from '@licet/checks';
import { proveVisible } from '@licet/authority';
import { type Claims, decodeCertificate, encodePem, toHex } from '@licet/format';
import { Enterprises } from '../../authority/enterprises.ts';
import { retire as retireIt } from '../../authority/retire.ts';
import { rollOver } from '../../authority/rollover.ts';
import { auditLog } from '../../persistence/audit-log.ts';
import { monitorOf } from '../../wiring/status.ts';
import { contract, CONTRACT, licenseOrder, lineageOf, Workshop } from './workshop.ts';

describe('rollover', function () {
  this.timeout(30_000);
  let workshop: Workshop;
  before(async function () {
    requireTool(this, 'openssl');
    workshop = await Workshop.open();
  });
  after(() => workshop?.close());

  const parts = () => ({
    ...workshop.authority,
    signer: workshop.authority.journal.signer,
    clock: workshop.authority.journal.clock,
    transactions: workshop.database,
  });
  const retire = (key: string, endLive = false) => retireIt(parts(), key, { endLive });
  const statusOf = async (issuer: string | undefined, certificate: Uint8Array | undefined) => {
    const { serial } = decodeCertificate(certificate!);
    return (await workshop.authority.revocations.find([{ issuer: issuer!, serial }]))[0]?.state.state;
  };

  const openssl = (chain: readonly Uint8Array[]): string => {
    const write = (name: string, certificates: readonly Uint8Array[]): string => {
      const path = join(workshop.folder, name);
      writeFileSync(path, certificates.map((der) => encodePem('CERTIFICATE', der)).join(''));
      return path;
    };
    const root = write('root.pem', chain.slice(-1));
    const above = write('above.pem', chain.slice(1, -1));
    const leaf = write('leaf.pem', chain.slice(0, 1));
    return execFileSync('openssl', ['verify', '-x509_strict', '-CAfile', root, '-untrusted', above, leaf], {
      encoding: 'utf8',
    });
  };

  it('gives new certificates from the new CA, keeps the old ones good, and retires only what is out of use', async () => {
    const { directory, issuance } = workshop.authority;
    const role = { organization: 'demo', kind: 'organization', enterprise: undefined, contract: undefined } as const;
    const enterprise = { ...role, kind: 'enterprise', enterprise: 'globex', contract: CONTRACT } as const;
    const old = await issuance.issue(licenseOrder(lineageOf(1)));

    const first = (await directory.active(role))!.authority;
    const { from, to } = await rollOver(parts(), first.key);
    assert.deepEqual([from.key, from.status, to.status], [first.key, 'crl-only', 'active']);
    await assert.rejects(rollOver(parts(), from.key), { code: 'AUTHORITY_NOT_IN_OFFICE' });
    await assert.rejects(retire(to.key), { code: 'AUTHORITY_IN_OFFICE' });

    const fresh = await issuance.issue(licenseOrder(lineageOf(2)));
    const organizationIn = (chain: readonly Uint8Array[]) =>
      decodeCertificate(chain[2]!).extensions.subjectKeyIdentifier;
    assert.deepEqual(organizationIn(fresh.chain), to.keyIdentifier);
    assert.deepEqual(organizationIn(old.chain), from.keyIdentifier);
    assert.match(openssl(old.chain), /OK/);
    assert.match(openssl(fresh.chain), /OK/);
    // The key of the enterprise is the same, so what it signed before holds below the new CA too.
    assert.match(openssl([old.chain[0]!, ...fresh.chain.slice(1)]), /OK/);
    const held = (await directory.held()).map(({ key }) => key);
    assert.ok(held.includes(from.key) && held.includes(to.key), 'both publish CRLs and answer OCSP');
    const inUse = { code: 'AUTHORITY_IN_USE', message: /^[12] certificates .* --end-live/ };
    await assert.rejects(retire(from.key), inUse, 'the site of the old license has the old chain');

    const oldEnterprise = (await directory.active(enterprise))!.authority;
    await rollOver(parts(), oldEnterprise.key);
    const next = await issuance.issue(licenseOrder(lineageOf(3)));
    assert.notDeepEqual(next.chain[1], fresh.chain[1]);
    await assert.rejects(retire(oldEnterprise.key), { code: 'AUTHORITY_IN_USE', message: /^2 certificates/ });
    const ended = await retire(oldEnterprise.key, true);
    assert.deepEqual([ended.authority.status, ended.live.count, ended.ended], ['retired', 2, 'revoked']);
    assert.equal((await retire(oldEnterprise.key)).ended, 'revoked', 'again, by who did not see the answer');
    assert.equal(await statusOf(from.key, old.chain[1]), 'revoked');
    assert.equal(await statusOf(to.key, fresh.chain[1]), 'revoked');
    assert.equal(await statusOf(to.key, next.chain[1]), 'valid');

    assert.equal((await retire(from.key)).ended, 'revoked');
    assert.equal(await statusOf(first.parent, first.certificate), 'revoked');
    assert.match(openssl((await issuance.issue(licenseOrder(lineageOf(4)))).chain), /OK/);
    assert.ok(!(await directory.held()).some(({ key }) => key === from.key));
    // What it has revoked until then is looked for no more: nobody makes its lists and its answers.
    const { looked, hidden } = await proveVisible({
      ...monitorOf(workshop.authority),
      clock: { now: () => new Date(Date.now() + 60_000) },
      fetchCrl: () => Promise.reject(new Error('asked')),
      askOcsp: () => Promise.reject(new Error('asked')),
    });
    assert.ok(looked > 0 && hidden.length > 0, 'of those in office it is asked');
    assert.ok(!hidden.some((text) => text.includes(toHex(from.keyIdentifier))), hidden.join('\n'));
    const entries = await workshop.database.run('platform', (tx) => auditLog.page(tx, 'demo', undefined, 1000));
    const actions = entries.rows.map(({ action }) => action).filter((action) => action.startsWith('authority.'));
    assert.deepEqual([...new Set(actions)], ['authority.rolledOver', 'authority.retired']);
  });

  it('a CA is in use for as long as a license below it works in its grace, and ends that when it is asked to', async () => {
    const tenant = { organization: 'demo', kind: 'enterprise', enterprise: 'globex' } as const;
    const grace = 1000 * 86_400;
    const sold = contract({ id: '00000000-0000-4000-8000-0000000005b0', grace });
    await workshop.authority.issuance.issue(licenseOrder(lineageOf(50), sold));
    const before = (await workshop.authority.directory.active({ ...tenant, contract: sold.id }))!.authority;
    await rollOver(parts(), before.key);
    const later = (days: number) => ({ ...parts(), clock: { now: () => new Date(Date.now() + days * 86_400_000) } });
    const inUse = { code: 'AUTHORITY_IN_USE', message: /^1 certificates/ };
    await assert.rejects(retireIt(later(43), before.key, { endLive: false }), inUse, 'of 30 days, and a long grace');
    const ended = decodeCertificate(before.certificate).notAfter.getTime() + 86_400_000;
    const days = (ended - Date.now()) / 86_400_000;
    assert.equal((await retireIt(later(days), before.key, { endLive: true })).ended, 'revoked');
    assert.equal(await statusOf(before.parent, before.certificate), 'revoked');
  });

  it('an enterprise CA lives no longer than its contract, and is certified anew before it ends', async () => {
    const customer = { organization: 'demo', enterprise: 'globex' };
    const { authority, signer, config } = workshop;
    const { directory, issuer, certificates, publish } = authority;
    const { algorithm } = config.authority;
    const inYears = (years: number) => ({ now: () => new Date(Date.now() + years * 365 * 86_400_000) });
    const cas = (clock: { now(): Date }) =>
      new Enterprises({
        directory,
        issuer,
        certificates,
        signer,
        publish,
        clock,
        algorithm,
        transactions: workshop.database,
      });
    const known = (await signer.keys()).length;
    const tooMuch = contract({ id: '00000000-0000-4000-8000-0000000005a0', features: ['press/forever'] });
    await assert.rejects(cas(inYears(0)).ensure(customer, tooMuch), { code: 'CLAIMS_ABOVE_PARENT' });
    assert.equal((await signer.keys()).length, known, 'a contract that is refused leaves no key behind');
    const short = contract({ id: '00000000-0000-4000-8000-0000000005a1' });
    await cas(inYears(0)).check(customer, { ...tooMuch, id: short.id });
    const obstacles = async (years: number, asked: Claims) =>
      (await cas(inYears(years)).obstacles({ ...customer, contract: asked })).map(({ code, claim }) => [code, claim]);
    assert.deepEqual(await obstacles(0, tooMuch), [['CLAIMS_ABOVE_PARENT', 'features']]);
    assert.deepEqual(await obstacles(0, short), []);
    assert.deepEqual(await obstacles(6, short), [['ISSUER_ENDED', 'issuer']]);
    const { certificate } = (await authority.enterprises.ensure(customer, short)).authority;
    await assert.rejects(cas(inYears(0)).check(customer, { ...tooMuch, id: short.id }), {
      code: 'CLAIMS_ABOVE_PARENT',
      message: /features: .*press\/forever/,
    });
    await cas(inYears(0)).check(customer, short);
    assert.equal(decodeCertificate(certificate).notAfter.getTime(), short.term.to.getTime() - 1000);
    assert.deepEqual((await cas(inYears(1)).ensure(customer, short)).authority.certificate, certificate, 'in vain');

    const term = { ...short.term, to: new Date('2031-01-01T00:00:00Z') };
    const long = contract({ id: '00000000-0000-4000-8000-0000000005a2', term });
    const made = (await authority.enterprises.ensure(customer, long)).authority;
    assert.deepEqual((await cas(inYears(1.3)).ensure(customer, long)).authority.certificate, made.certificate);
    const renewed = (await cas(inYears(1.4)).ensure(customer, long)).authority;
    assert.equal(renewed.key, made.key);
    assert.notDeepEqual(renewed.certificate, made.certificate);
  });

  it('a contract that is lowered leaves no certificate behind that says more, however old', async () => {
    const customer = { organization: 'demo', enterprise: 'globex' };
    const { enterprises } = workshop.authority;
    const id = '00000000-0000-4000-8000-0000000005a3';
    const steps = [['press', 'press/remote'], ['press', 'press/more', 'press/remote'], ['press']];
    const made = [];
    for (const [i, features] of steps.entries()) {
      const above = contract({ id, sequence: i + 1, features });
      await workshop.changeStatus({ type: 'revoke', reason: 'superseded' }, { enterprise: 'globex', above });
      made.push((await enterprises.ensure(customer, above)).authority);
    }
    assert.equal(new Set(made.map(({ key }) => key)).size, 1);
    const states = await Promise.all(made.map(({ parent, certificate }) => statusOf(parent, certificate)));
    assert.deepEqual(states, ['revoked', 'revoked', 'valid']);

    const { from, to } = await rollOver(parts(), made[0]!.key);
    const above = contract({ id, sequence: 4, features: ['press'], limits: [] });
    const less = { ...above, tier: { rank: 10, code: 'silver' } };
    await workshop.changeStatus({ type: 'revoke', reason: 'superseded' }, { enterprise: 'globex', above: less });
    const generations = [from, to].map(({ parent, certificate }) => statusOf(parent, certificate));
    assert.deepEqual(await Promise.all(generations), ['valid', 'revoked'], 'the older one signs nothing more');
  });

  it('a CA below a key that is elsewhere is sent to the ceremony', async () => {
    const { directory } = workshop.authority;
    const [root] = await directory.list({ kind: 'root', limit: 1 });
    await directory.save({ ...root!, key: 'elsewhere', keyIdentifier: new Uint8Array(20), held: false });
    const service = (await directory.list({ kind: 'service', limit: 1 }))[0]!;
    await directory.save({ ...service, parent: 'elsewhere' });
    await assert.rejects(rollOver(parts(), service.key), { code: 'PARENT_ELSEWHERE' });
    await directory.save(service);
  });

  it('an unknown key is named as such', async () => {
    await assert.rejects(rollOver(parts(), 'nobody'), { code: 'AUTHORITY_UNKNOWN' });
    await assert.rejects(retire('nobody'), { code: 'AUTHORITY_UNKNOWN' });
  });
});

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireTool } from '@licet/checks';
import { decodeCertificate, encodePem } from '@licet/format';
import { retire, rollOver } from '../../authority/rollover.ts';
import { CONTRACT, licenseOrder, lineageOf, Workshop } from './workshop.ts';

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
  });

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
    const organizationRole = {
      organization: 'demo',
      kind: 'organization',
      enterprise: undefined,
      contract: undefined,
    } as const;
    const enterpriseRole = {
      organization: 'demo',
      kind: 'enterprise',
      enterprise: 'globex',
      contract: CONTRACT,
    } as const;
    const old = await issuance.issue(licenseOrder(lineageOf(1)));

    const oldOrganization = (await directory.active(organizationRole))!.authority;
    const { from, to } = await rollOver(parts(), oldOrganization.key);
    assert.deepEqual([from.key, from.status, to.status], [oldOrganization.key, 'crl-only', 'active']);
    await assert.rejects(rollOver(parts(), from.key), { code: 'AUTHORITY_NOT_IN_OFFICE' });
    await assert.rejects(retire(parts(), to.key), { code: 'AUTHORITY_IN_OFFICE' });
    await assert.rejects(retire(parts(), from.key), { code: 'AUTHORITY_IN_USE' });

    const oldEnterprise = (await directory.active(enterpriseRole))!.authority;
    await rollOver(parts(), oldEnterprise.key);
    const fresh = await issuance.issue(licenseOrder(lineageOf(2)));
    const organizationIn = (chain: readonly Uint8Array[]) =>
      decodeCertificate(chain[2]!).extensions.subjectKeyIdentifier;
    assert.deepEqual(organizationIn(fresh.chain), to.keyIdentifier);
    assert.deepEqual(organizationIn(old.chain), from.keyIdentifier);
    assert.match(openssl(old.chain), /OK/);
    assert.match(openssl(fresh.chain), /OK/);
    const held = (await directory.held()).map(({ key }) => key);
    assert.ok(held.includes(from.key) && held.includes(to.key), 'both publish CRLs and answer OCSP');

    await retire(parts(), oldEnterprise.key);
    assert.equal((await retire(parts(), from.key)).status, 'retired');
    await issuance.issue(licenseOrder(lineageOf(3)));
    assert.ok(!(await directory.held()).some(({ key }) => key === from.key));
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
    await assert.rejects(retire(parts(), 'nobody'), { code: 'AUTHORITY_UNKNOWN' });
  });
});

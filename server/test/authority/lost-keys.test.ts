import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { loadProfiles, renewResponders, type Signer } from '@licet/authority';
import { decodeCertificate, fromHex } from '@licet/format';
import { createKeyCheck, lostKeys } from '../../authority/lost-keys.ts';
import { retire } from '../../authority/retire.ts';
import { rollOver } from '../../authority/rollover.ts';
import { CONTRACT, licenseOrder, lineageOf, Workshop } from './workshop.ts';

describe('A key that the signer lost', function () {
  this.timeout(30_000);
  let workshop: Workshop;
  before(async () => (workshop = await Workshop.open()));
  after(() => workshop?.close());

  const parts = () => ({
    ...workshop.authority,
    signer: workshop.authority.journal.signer,
    clock: workshop.authority.journal.clock,
    transactions: workshop.database,
  });
  const role = { organization: 'demo', kind: 'organization', enterprise: undefined, contract: undefined } as const;
  const customer = { ...role, kind: 'enterprise', enterprise: 'globex', contract: CONTRACT } as const;
  const keyOf = async (of: typeof role | typeof customer) =>
    (await workshop.authority.directory.active(of))!.authority.key;
  const nameIn = (der: Uint8Array) => decodeCertificate(der).subject.rdns.flat().at(-1)?.value;
  /** As a copy of the folder that is older than the key has it. */
  const lose = async (key: string) => {
    await workshop.stop();
    rmSync(join(workshop.folder, 'signer/keys', `${key}.key`));
    await workshop.start();
  };
  const without = (key: string): Signer => {
    const keys = async () => (await workshop.signer.keys()).filter(({ id }) => id !== key);
    return new Proxy(workshop.signer, {
      get: (signer, name: keyof Signer) => (name === 'keys' ? keys : signer[name].bind(signer)),
    });
  };

  it('of a customer is named, revokes, is followed by another, and is retired', async () => {
    const license = await workshop.authority.issuance.issue(licenseOrder(lineageOf(1)));
    const key = await keyOf(customer);
    await lose(key);

    const check = createKeyCheck(workshop.authority.journal);
    assert.match((await check()) ?? '', new RegExp(`^1 lost, .* key ${key} .*globex.* authority rollover ${key}`));
    const again = () => workshop.authority.issuance.issue(licenseOrder(lineageOf(2)));
    await assert.rejects(again(), { name: 'LicetError', kind: 'unavailable', code: 'KEY_UNKNOWN' });
    const id = { issuer: key, serial: fromHex(license.serial) };
    assert.equal(await workshop.changeStatus({ type: 'hold' }, [id]), 1);

    const { signer } = parts();
    const before = (await signer.keys()).length;
    const report = ({ issuer }: { readonly issuer: string }) => void reported.push(issuer);
    const reported: string[] = [];
    const { issuer, directory } = workshop.authority;
    const renewal = { signer, issuer, clock: parts().clock, generations: () => directory.held(), report };
    const renewed = await renewResponders({ ...renewal, profile: loadProfiles().ocsp });
    assert.deepEqual(
      [reported, (await signer.keys()).length],
      [[], before + renewed],
      'and no key is made for nothing',
    );

    const { from, to } = await rollOver(parts(), key);
    assert.deepEqual([from.key, nameIn(to.certificate)], [key, `${nameIn(from.certificate)} G2`]);
    assert.equal((await again()).chain.length, license.chain.length);
    const retired = await retire(parts(), key, { endLive: true });
    assert.deepEqual([retired.authority.status, retired.ended], ['retired', 'revoked']);
    assert.deepEqual(await lostKeys(workshop.authority.journal), []);
  });

  it('is followed by one with another name, however often', async () => {
    const key = await keyOf(customer);
    const { from, to } = await rollOver({ ...parts(), signer: without(key) }, key);
    assert.match(nameIn(from.certificate) ?? '', / G2$/);
    assert.match(nameIn(to.certificate) ?? '', / G3$/);
  });

  it('of the organization itself leaves the server not ready', async () => {
    const key = await keyOf(role);
    const check = createKeyCheck({ ...workshop.authority.journal, signer: without(key) });
    await assert.rejects(check(), new RegExp(`key ${key} of the organization CA`));
  });
});

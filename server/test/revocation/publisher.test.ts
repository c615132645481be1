import assert from 'node:assert/strict';
import { AuthorityError, createCrlPublisher, type CrlPublisherDeps, publishDue } from '@licet/authority';
import { decodeCertificateList, toHex } from '@licet/format';
import { type TestDatabase, testDatabase } from '../../persistence/test/test-database.ts';
import { type License, Shop } from './shop.ts';

const HOUR = 3600_000;
/** More than are made in the thread that answers. */
const MANY = 6000;

/** As it is, but for one method. */
function replaced<T extends object, K extends keyof T>(target: T, method: K, by: T[K]): T {
  return new Proxy(target, {
    get: (all, name) => {
      const value: unknown = name === method ? by : Reflect.get(all, name);
      return typeof value === 'function' ? (value.bind(all) as unknown) : value;
    },
  });
}

describe('the publisher of CRLs', () => {
  let database: TestDatabase;
  let shop: Shop;
  before(async function () {
    database = await testDatabase(this);
    shop = await Shop.open(database, 1);
  });
  after(async () => {
    await shop?.close();
    await database?.close();
  });

  const revoke = async (): Promise<License> => {
    const license = await shop.license();
    await shop.revoker.change(shop.order({ type: 'revoke', reason: 'superseded' }), license);
    return license;
  };
  const inForce = async () => {
    const crl = (await shop.store.published({ issuer: shop.enterprise.key, shard: 0 }))!;
    const parts: Uint8Array[] = [];
    for await (const part of shop.store.parts(crl)) parts.push(part);
    return { ...crl, list: decodeCertificateList(new Uint8Array(Buffer.concat(parts))) };
  };
  const lastRefusal = () => {
    const event = shop.events.at(-1)!;
    assert.ok(event.kind === 'refused' && event.error instanceof Error);
    return event.error;
  };
  /** With something that is not as it should be. */
  const publishWith = (changed: Partial<CrlPublisherDeps>) =>
    publishDue({
      signer: shop.signer,
      store: shop.store,
      clock: shop.clock,
      generations: async () => [shop.enterprise],
      report: (event) => void shop.events.push(event),
      ...changed,
    });

  it('makes the first list of a new CA for whoever asks before its turn: once, at all servers, and for nobody else', async () => {
    const { crls } = shop.enterprise.addresses!;
    const servers = ['one', 'two'].map((holder) =>
      shop.otherCrls((shard) => createCrlPublisher(shop.publishing(shop.otherStore(holder))).first(shard)),
    );
    const name = toHex(shop.enterprise.keyIdentifier);
    assert.equal(await shop.otherCrls().get(name, 0), undefined);
    const lists = await Promise.all([...servers, ...servers].map((server) => server.get(name, 0)));
    const { number, list } = await inForce();
    assert.equal(shop.events.length, 1);
    for (const served of lists) assert.equal(decodeCertificateList(served!.der).extensions.crlNumber, number);
    assert.equal(list.entryCount, 0);
    assert.equal(await servers[0]!.get(name, crls.length), undefined);
    assert.equal(await servers[0]!.get('00'.repeat(20), 0), undefined);
    assert.equal(shop.events.length, 1);
  });

  it('makes no other first list when another process was faster between the look for one and the turn to make it', async () => {
    const { number } = await inForce();
    let looks = 0;
    const late = replaced(shop.store, 'published', async (id) =>
      (looks += 1) === 1 ? undefined : shop.store.published(id),
    );
    await createCrlPublisher(shop.publishing(late)).first({ issuer: shop.enterprise.key, shard: 0 });
    assert.equal((await inForce()).number, number);
    assert.equal(shop.events.length, 1);
  });

  it('says that it is busy when another process takes too long over the first list', async () => {
    const away = { published: async () => undefined, exclusively: async () => undefined };
    const slow = createCrlPublisher({ ...shop.publishing(), store: { ...shop.store, ...away } });
    await assert.rejects(slow.first({ issuer: shop.enterprise.key, shard: 0 }), { code: 'BUSY' });
  });

  it('goes on above the last number when the clock was set back a little, and by the time when it is right again', async () => {
    await shop.publish();
    const before = await inForce();
    shop.after(-120_000);
    const license = await revoke();
    assert.deepEqual(await shop.publish(), { published: 1, refused: 0, busy: 0 });
    const during = await inForce();
    assert.equal(during.number, before.number + 1n);
    assert.equal(during.list.extensions.crlNumber, during.number);
    assert.ok(during.thisUpdate >= before.thisUpdate && during.thisUpdate <= shop.now);
    assert.notEqual(during.list.find(license.serial), undefined);
    shop.after(180_000);
    await revoke();
    await shop.publish();
    assert.equal((await inForce()).number, BigInt(shop.now.getTime()) * 1_000_000n);
  });

  it('waits, and says why, while the clock is behind what lists say of themselves', async () => {
    const before = await inForce();
    await revoke();
    shop.after(-HOUR);
    // Also those in which nothing has changed: somebody is to know.
    assert.deepEqual(await shop.publish(), { published: 0, refused: 3, busy: 0 });
    assert.match(lastRefusal().message, /set the clock right if it is behind; if it was ahead then .*--accept-clock/);
    assert.equal((await inForce()).number, before.number);
    shop.after(HOUR + 1000);
    assert.equal((await shop.publish()).published, 1);
  });

  it('leaves the future for once when an operator says that the clock was ahead, and its numbers rise on', async () => {
    const change = (license: License, type: 'hold' | 'reinstate') => shop.revoker.change(shop.order({ type }), license);
    const [ended, undone] = [await shop.license(), await shop.license()];
    shop.after(48 * HOUR);
    for (const license of [ended, undone]) await change(license, 'hold');
    assert.equal((await shop.publish()).refused, 0);
    const ahead = await inForce();
    shop.after(-48 * HOUR + 1000);
    await change(undone, 'reinstate');
    await shop.revoker.change(shop.order({ type: 'revoke', reason: 'keyCompromise' }), ended);
    shop.after(HOUR);
    assert.equal((await shop.publish()).published, 0);

    assert.equal((await publishWith({ acceptClock: true })).published, 1);
    const back = await inForce();
    assert.ok(back.number > ahead.number && back.list.thisUpdate <= shop.now && back.publishedAt <= shop.now);
    assert.equal(back.list.find(undone.serial), undefined);
    assert.equal(back.list.find(ended.serial)?.reason, 'keyCompromise');
    assert.equal((await publishWith({ acceptClock: true })).published, 0);

    const next = await revoke();
    assert.equal((await publishWith({})).published, 1);
    const { list, number } = await inForce();
    assert.equal(number, back.number + 1n);
    assert.ok(list.thisUpdate <= shop.now && list.thisUpdate >= back.list.thisUpdate);
    for (const entry of list.entries()) assert.ok(entry.revokedAt <= list.thisUpdate);
    assert.notEqual(list.find(next.serial), undefined);
    shop.after(72 * HOUR);
    assert.equal((await shop.publish()).refused, 0);
    assert.equal((await inForce()).number, BigInt(shop.now.getTime()) * 1_000_000n);
  });

  it('keeps a list whose signature is not that of its issuer', async () => {
    await revoke();
    shop.after(1000);
    const before = await inForce();
    const forged = replaced(shop.signer, 'sign', async ([request]) => {
      const bytes = request!.bytes.slice();
      bytes[bytes.length - 1]! ^= 1;
      return shop.signer.sign([{ ...request!, bytes }]);
    });
    assert.equal((await publishWith({ signer: forged })).refused, 1);
    assert.match(lastRefusal().message, /our own verifier finds/);
    assert.equal((await inForce()).number, before.number);
    assert.equal((await shop.publish()).published, 1);
  });

  it('leaves the old list whole wherever it dies, and makes the new one the next time', async () => {
    for (const step of ['published', 'lastChange', 'entries', 'sign', 'parts', 'publish'] as const) {
      const license = await revoke();
      shop.after(1000);
      const before = await inForce();
      const die = () => {
        throw new Error(`died at ${step}`);
      };
      const dying =
        step === 'sign' ? { signer: replaced(shop.signer, step, die) } : { store: replaced(shop.store, step, die) };
      assert.equal((await publishWith(dying)).refused, 1, step);
      assert.match(lastRefusal().message, new RegExp(`died at ${step}`));
      assert.deepEqual((await inForce()).sha256, before.sha256, step);
      assert.equal((await shop.publish()).published, 1, step);
      assert.notEqual((await inForce()).list.find(license.serial), undefined, step);
    }
  }).timeout(10_000);

  it('makes a long list in a thread, whole, and keeps it when an entry of the one before is missing', async () => {
    await database.dataSource.query(
      `with new as (
         insert into serials (issuer, serial, organization, crl_shard, not_after, kept_until)
         select $1, decode('01' || md5(n::text), 'hex'), 'acme', 0, now() + interval '20 days', now() + interval '20 days'
           from generate_series(1, $2::integer) as n returning *)
       insert into revocations (issuer, serial, organization, crl_shard, not_after, reason, revoked_at, change)
       select issuer, serial, organization, crl_shard, not_after, 4, now(), 1 from new`,
      [shop.enterprise.key, MANY],
    );
    shop.after(13 * HOUR);
    assert.equal((await shop.publish()).refused, 0);
    const before = await inForce();
    assert.ok(before.entries >= MANY && before.list.entryCount === before.entries);
    shop.after(13 * HOUR);
    assert.equal((await shop.publish()).refused, 0);
    assert.equal((await inForce()).entries, before.entries);
    const [serial] = [...before.list.entries()].map((entry) => Buffer.from(entry.serial)).slice(MANY >> 1);
    const where = 'issuer = $1 and serial = $2';
    const hide = `update revocations set crl_shard = 7 where ${where}`;
    await database.dataSource.query(hide, [shop.enterprise.key, serial]);
    shop.after(13 * HOUR);
    assert.ok((await shop.publish()).refused >= 1);
    const refusals = shop.events.flatMap((event) => (event.kind === 'refused' ? [String(event.error)] : []));
    assert.match(refusals.at(-1)!, /1 entries of the CRL in force are missing in it/);
    const show = `update revocations set crl_shard = 0 where ${where}`;
    await database.dataSource.query(show, [shop.enterprise.key, serial]);
    assert.equal((await shop.publish()).refused, 0);
  }).timeout(20_000);

  it('makes the lists of a CA that has ended for as long as a license below it works in its grace', async () => {
    const before = shop.now;
    const license = await revoke();
    const ended = shop.enterprise.certificate!.notAfter.getTime();
    const only = async (at: number) => {
      shop.now = new Date(at);
      return (await publishWith({})).published;
    };
    assert.equal(await only(ended + HOUR), 1);
    assert.notEqual((await inForce()).list.find(license.serial), undefined);
    assert.equal(await only(ended + shop.enterprise.claims!.grace * 1000), 0);
    // Only here time may run backwards.
    await database.dataSource.query('truncate published_crls, published_crl_parts');
    shop.now = before;
    assert.equal(await only(before.getTime()), 1);
  });

  it('says that the list in force was damaged in the database, and does not guess what was on it', async () => {
    const { number } = await inForce();
    const damage = `update published_crl_parts set bytes = set_byte(bytes, $2, 255 - get_byte(bytes, $2))
                     where issuer = $1 and part = 0`;
    const last = (await inForce()).size - 1;
    await database.dataSource.query(damage, [shop.enterprise.key, last]);
    shop.after(13 * HOUR);
    assert.ok((await shop.publish()).refused >= 1);
    const refusals = shop.events.flatMap((event) => (event.kind === 'refused' ? [String(event.error)] : []));
    assert.match(refusals.at(-1)!, /was damaged in the database[^]*restore its parts/);
    await database.dataSource.query(damage, [shop.enterprise.key, last]);
    assert.equal((await inForce()).number, number);
    assert.equal((await shop.publish()).refused, 0);
  });

  it('tells once of an issuer whose key is lost, leaves it alone for five minutes, and keeps the others going', async () => {
    await shop.publish();
    const { key } = shop.enterprise;
    let isLost = true;
    const tried: string[] = [];
    const sign: CrlPublisherDeps['signer']['sign'] = async (requests) => {
      tried.push(...requests.map((request) => request.key));
      if (isLost && requests.some((request) => request.key === key))
        throw new AuthorityError('KEY_UNKNOWN', `There is no key ${key} here.`);
      return shop.signer.sign(requests);
    };
    const told = () => shop.events.filter(({ kind }) => kind === 'refused').length;
    const deps = { ...shop.publishing(), signer: replaced(shop.signer, 'sign', sign) };
    const publisher = createCrlPublisher(deps);
    const before = { told: told(), number: (await inForce()).number };
    const license = await revoke();
    // What is made anew by its age, so that others are due as well.
    shop.after(13 * HOUR);

    assert.deepEqual(await publisher.run(), { published: 2, refused: 0, busy: 0 });
    assert.deepEqual([tried.filter((id) => id === key).length, told() - before.told], [1, 1]);
    shop.after(60_000);
    assert.deepEqual(await publisher.run(), { published: 0, refused: 0, busy: 0 });
    assert.equal(tried.filter((id) => id === key).length, 1, 'it is left alone');
    shop.after(300_000);
    await publisher.run();
    assert.deepEqual([tried.filter((id) => id === key).length, told() - before.told], [2, 1]);

    assert.equal((await publishDue(deps)).refused, 1, 'who asks for once hears of it');
    isLost = false;
    shop.after(300_000);
    assert.equal((await publisher.run()).published, 1);
    assert.notEqual((await inForce()).list.find(license.serial), undefined);
    isLost = true;
    await revoke();
    const again = told();
    await publisher.run();
    assert.equal(told() - again, 1, 'a key that is lost anew is told of anew');
  });
});

import assert from 'node:assert/strict';
import { makeCsr } from '@licet/authority/workshop';
import { fromHex } from '@licet/format';
import { sql } from '../../persistence/transactions.ts';
import { testDatabase, type TestDatabase } from '../../persistence/test/test-database.ts';
import { holdEnterprise, reinstateEnterprise } from '../enterprises/enterprises.ts';
import { renewLicense } from '../licenses/renew.ts';
import { reinstateSite, retireSite, suspendSite } from '../sites/site-life.ts';
import { Office, OWNER, siteActor } from './office.ts';

/** What one that comes second is told. Anything else, a deadlock above all, is a defect. */
const LATE = /^(?:TRANSITION_REFUSED|ALREADY_REVOKED|NOT_HELD|SITE_\w+|LICENSE_\w+|ENTERPRISE_SUSPENDED|CLONE_\w+)$/;

describe('Many who change and renew the same sites at once', function () {
  this.timeout(60_000);
  let database: TestDatabase;
  let office: Office;
  before(async function () {
    database = await testDatabase(this, 'postgresql');
    office = new Office(database);
    await office.open('quarantine-later');
  });
  after(() => database?.close());

  it('leave every license as its certificate is, and none waits for another for ever', async () => {
    const { deps } = office;
    const { enterprise, contract } = await office.customer({ siteCaps: { production: 20, development: 0 } });
    const made = await Promise.all(Array.from({ length: 6 }, () => office.site(contract)));
    const issuers = await database.run({ organization: 'acme' }, (tx) =>
      deps.stores.licenses.issuers(
        tx,
        made.map(({ license }) => license.serial),
      ),
    );
    const calls = made.flatMap(({ site, license: { serial } }, number) => {
      const { id } = site;
      const certificate = { issuer: issuers.get(serial)!, serial: fromHex(serial) };
      const order = { organization: 'acme', principal: 'person:owner', context: {} };
      const renew = () => renewLicense(deps)(siteActor(site), { predecessor: serial, csr: makeCsr() });
      return [
        () => suspendSite(deps)(OWNER, { id }),
        renew,
        () => deps.revocations.change({ ...order, event: { type: 'hold' } }, certificate),
        () => reinstateSite(deps)(OWNER, { id }),
        () => (number % 3 === 0 ? retireSite(deps)(OWNER, { id }) : suspendSite(deps)(OWNER, { id })),
        () => (number % 2 === 0 ? holdEnterprise : reinstateEnterprise)(deps)(OWNER, { id: enterprise.id }),
        () => deps.revocations.change({ ...order, event: { type: 'reinstate' } }, certificate),
      ];
    });
    const outcomes = await Promise.allSettled(calls.map((call) => patiently(call)));
    const codes = outcomes.flatMap((one) => (one.status === 'rejected' ? [String((one.reason as Coded).code)] : []));
    assert.deepEqual(
      codes.filter((code) => !LATE.test(code)),
      [],
    );
    const apart = await database.run('platform', (tx) =>
      sql(tx).query(
        `select l.serial, l.status, r.reason from licenses l
           left join revocations r on r.issuer = l.issuer_key and r.serial = decode(l.serial, 'hex')
          where (l.status = 'revoked') <> coalesce(r.reason not in (6, 8), false)
             or (l.status = 'suspended') <> coalesce(r.reason = 6, false)`,
      ),
    );
    assert.deepEqual(apart, []);
  });
});

type Coded = { readonly code?: string };

/** On a machine that is busy with other things locks and connections may take longer than a request waits for them. */
async function patiently(call: () => Promise<unknown>): Promise<unknown> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if ((error as Coded).code !== 'DATABASE_BUSY') throw error;
    }
  }
}

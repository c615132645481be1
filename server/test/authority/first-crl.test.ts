import assert from 'node:assert/strict';
import { AuthorityError, type IssuerGeneration, type Signer } from '@licet/authority';
import { toHex } from '@licet/format';
import { systemClock } from '../../clock.ts';
import { createLog } from '../../log/log.ts';
import { createMetrics } from '../../metrics/metrics.ts';
import { connectStatus } from '../../wiring/status.ts';
import { type Served, serve } from '../frame/served.ts';
import { Workshop } from './workshop.ts';

describe('the first CRL of a CA, asked for before it is made', function () {
  this.timeout(30_000);
  let workshop: Workshop;
  let served: Served;
  let issuer: IssuerGeneration;
  let isAway = true;

  before(async () => {
    workshop = await Workshop.open();
    [issuer] = (await workshop.authority.directory.held()) as [IssuerGeneration];
    const signer: Signer = {
      ...workshop.signer,
      sign: async (requests) => {
        if (isAway) throw new AuthorityError('SIGNER_UNAVAILABLE', 'The socket of the signer is closed.');
        return workshop.signer.sign(requests);
      },
    };
    const log = createLog({ level: 'error', format: 'json', clock: systemClock, write: () => {}, secrets: [] });
    const metrics = createMetrics({ version: '0', routes: [], jobs: [] });
    served = await serve({ fastPaths: connectStatus({ log, metrics }, workshop.authority, signer).fastPaths });
  });
  after(async () => {
    await served?.close();
    await workshop?.close();
  });
  afterEach(() => workshop.authority.fence.open());

  async function ask(shard: number, generation = toHex(issuer.keyIdentifier)) {
    const response = await fetch(`${served.url}/crl/${generation}/${shard}.crl`);
    const isProblem = response.headers.get('content-type') === 'application/problem+json';
    const { code } = isProblem ? ((await response.json()) as { code: string }) : {};
    return { status: response.status, code, wait: Number(response.headers.get('retry-after')) };
  }
  async function assertUnknown() {
    const unknown = { status: 404, code: 'CRL_NOT_FOUND', wait: 0 };
    assert.deepEqual(await ask(issuer.addresses!.crls.length), unknown);
    assert.deepEqual(await ask(0, '00'.repeat(20)), unknown);
  }

  it('is to be asked for again while the signer is away; one that no CA has stays unknown', async () => {
    const { wait, ...answer } = await ask(0);
    assert.deepEqual(answer, { status: 503, code: 'SIGNER_UNAVAILABLE' });
    assert.ok(wait > 0);
    await assertUnknown();
  });

  it('is not made from a database that is older than its journal, and is there for all when it is not', async () => {
    isAway = false;
    workshop.authority.fence.close('The database is old.');
    const { wait, ...answer } = await ask(0);
    assert.deepEqual(answer, { status: 503, code: 'FENCED' });
    assert.ok(wait > 0);
    await assertUnknown();
    workshop.authority.fence.open();
    assert.equal((await ask(0)).status, 200);
  });
});

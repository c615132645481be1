import assert from 'node:assert/strict';
import { createHash, randomBytes, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeCertificate, decodePem, toHex } from '@licet/format';
import { requireTool } from '@licet/checks';
import { AgentProcess } from './agent-process.ts';
import { run } from './est-server.ts';
import { openWorld, type World } from './world.ts';

const PATH = '/api/v1/stats/aggregate';
const HOUR_MS = 3_600_000;

type Parts = {
  readonly keyid: string;
  readonly key: string;
  readonly created: number;
  readonly nonce: string;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly body: string;
};

describe('A request signed by the key of a license', function () {
  this.timeout(60_000);
  let world: World;
  let base: string;
  let site: AgentProcess;
  before(async function () {
    requireTool(this, 'curl');
    world = await openWorld(this);
    base = mkdtempSync(join(tmpdir(), 'licet-signed-'));
    site = await enrolled('signs');
  });
  after(async () => {
    await world?.close();
    if (base !== undefined) rmSync(base, { recursive: true, force: true });
  });

  const enrolled = async (name: string) => {
    const agent = new AgentProcess(join(base, name));
    const [root] = decodePem(readFileSync(world.at('root.pem'), 'utf8'), 'CERTIFICATE');
    const fingerprint = createHash('sha256').update(root!.bytes).digest('hex');
    const token = await world.token(world.globex.contract, name);
    const where = ['--server', world.base, '--fingerprint', fingerprint, '--token', token];
    const { code, err } = await agent.run('enrol', ...where);
    assert.equal(code, 0, err);
    return agent;
  };
  const serialOf = (agent: AgentProcess) =>
    toHex(decodeCertificate(decodePem(agent.license(), 'CERTIFICATE')[0]!.bytes).serial);
  const keyOf = (agent: AgentProcess) => readFileSync(join(agent.folder, 'site.key'), 'utf8');
  const reportText = (users = 3) => {
    const id = randomBytes(16)
      .toString('hex')
      .replace(/^(.{8})(.{4}).(.{3}).(.{3})/, '$1-$2-4$3-8$4-');
    const at = (hours: number) => new Date(Date.now() - hours * HOUR_MS).toISOString();
    return JSON.stringify({ id, from: at(2), to: at(1), users: { operator: users } });
  };
  const partsOf = (agent: AgentProcess, body: string): Parts => ({
    keyid: `acme/${serialOf(agent)}`,
    key: keyOf(agent),
    created: Math.floor(Date.now() / 1000),
    nonce: randomBytes(16).toString('base64url'),
    method: 'POST',
    path: PATH,
    query: '?',
    body,
  });
  /** By nothing of ours: as docs/agent.md and RFC 9421 tell it. */
  const headersOf = ({ keyid, key, created, nonce, method, path, query, body }: Parts) => {
    const digest = `sha-256=:${createHash('sha256').update(body).digest('base64')}:`;
    const input = `("@method" "@path" "@query" "content-digest");created=${created};nonce="${nonce}";keyid="${keyid}";tag="licet"`;
    const lines = [`"@method": ${method}`, `"@path": ${path}`, `"@query": ${query}`, `"content-digest": ${digest}`];
    const text = [...lines, `"@signature-params": ${input}`].join('\n');
    const signature = sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64');
    return { 'Content-Digest': digest, 'Signature-Input': `licet=${input}`, Signature: `licet=:${signature}:` };
  };
  const send = async (headers: Record<string, string>, body: string, path = PATH) => {
    const given = Object.entries({ 'Content-Type': 'application/json', ...headers });
    const args = ['-sS', '--cacert', world.at('root.pem'), '--data-binary', body];
    for (const [name, value] of given) args.push('-H', `${name}: ${value}`);
    const { out, err } = await run('curl', [...args, `${world.base}${path}`]);
    assert.equal(err, '');
    return JSON.parse(out) as { code?: string; repeated?: boolean; detail?: string };
  };

  it('is taken once; sent again it is refused, and signed again it is the same report', async () => {
    const body = reportText();
    const headers = headersOf(partsOf(site, body));
    assert.deepEqual(await send(headers, body), { repeated: false });
    assert.equal((await send(headers, body)).code, 'PROOF_USED');
    assert.deepEqual(await send(headersOf(partsOf(site, body)), body), { repeated: true });
  });

  it('of ten that arrive at once and are the same, one is taken', async () => {
    const body = reportText();
    const headers = headersOf(partsOf(site, body));
    const answers = await Promise.all(Array.from({ length: 10 }, () => send(headers, body)));
    assert.equal(answers.filter(({ repeated }) => repeated === false).length, 1);
    assert.equal(answers.filter(({ code }) => code === 'PROOF_USED').length, 9);
  });

  it('is good for its own body, address and method, and for nothing else', async () => {
    const body = reportText();
    const parts = partsOf(site, body);
    assert.equal((await send(headersOf(partsOf(site, body)), reportText(999))).code, 'DIGEST_MISMATCH');
    const other = reportText(999);
    const digest = { 'Content-Digest': headersOf({ ...parts, body: other })['Content-Digest'] };
    assert.equal((await send({ ...headersOf(parts), ...digest }, other)).code, 'PROOF_WRONG');
    for (const change of [{ path: '/api/v1/alerts' }, { query: '?a=b' }, { method: 'PUT' }]) {
      assert.equal((await send(headersOf({ ...parts, ...change }), body)).code, 'PROOF_WRONG', JSON.stringify(change));
    }
    assert.deepEqual(await send(headersOf(parts), body), { repeated: false }, 'what was refused has used nothing up');
  });

  it('is good for five minutes, and says what the time is here', async () => {
    const body = reportText();
    const parts = partsOf(site, body);
    for (const off of [-400, 400]) {
      const { code, detail } = await send(headersOf({ ...parts, created: parts.created + off }), body);
      assert.equal(code, 'PROOF_STALE');
      assert.match(detail!, /signed at .+Z, and here it is .+Z; set the clock/);
    }
    assert.deepEqual(await send(headersOf({ ...parts, created: parts.created - 200 }), body), { repeated: false });
  });

  it('speaks for the site of the license and no other', async () => {
    const other = await enrolled('other');
    const body = reportText();
    const stolen = { ...partsOf(site, body), keyid: `acme/${serialOf(other)}` };
    assert.equal((await send(headersOf(stolen), body)).code, 'PROOF_WRONG');
    for (const keyid of ['acme/00ff00ff', 'initech/00ff00ff']) {
      assert.equal((await send(headersOf({ ...stolen, keyid }), body)).code, 'LICENSE_UNKNOWN');
    }
    const sites = await world.database.run({ organization: 'acme' }, (tx) =>
      world.deps.stores.sites.list(tx, { where: { name: 'other' }, limit: 1 }),
    );
    const foreign = JSON.stringify({ ...(JSON.parse(body) as object), site: sites.items[0]!.id });
    assert.equal((await send(headersOf(partsOf(site, foreign)), foreign)).code, 'SITE_NOT_FOUND');
  });

  it('has one form, and whatever else is in the headers of signatures is refused or is none of ours', async () => {
    const body = reportText();
    const good = headersOf(partsOf(site, body));
    const input = good['Signature-Input'];
    for (const wrong of [
      { 'Signature-Input': `${input}, licet=()` },
      { 'Signature-Input': input.replace(' "@query"', '') },
      { 'Signature-Input': input.replace(/created=\d+/, 'created=yesterday') },
      { 'Signature-Input': input.replace(/nonce="[^"]+"/, 'nonce="short"') },
      { Signature: 'licet=:not base64:' },
      { Signature: '' },
      { 'Content-Digest': 'sha-512=:AAAA:' },
      { 'Content-Digest': '' },
    ]) {
      assert.equal((await send({ ...good, ...wrong }, body)).code, 'PROOF_MALFORMED', JSON.stringify(wrong));
    }
    const ofOthers = { 'Signature-Input': input.replace('licet=', 'proxy='), Signature: 'proxy=:AAAA:' };
    assert.equal((await send({ ...good, ...ofOthers }, body)).code, 'NOT_AUTHENTICATED');
  });

  it('by a license that was renewed or revoked reports nothing', async () => {
    const agent = await enrolled('over');
    const body = reportText();
    const before = partsOf(agent, body);
    assert.equal((await agent.run('renew')).code, 0);
    const { code, detail } = await send(headersOf(before), body);
    assert.equal(code, 'NOT_ALLOWED');
    assert.match(detail!, /renewed already .+ use the newer one/);
    await world.database.run({ organization: 'acme' }, (tx) =>
      world.deps.stores.licenses.setStatus(tx, [serialOf(agent)], 'revoked'),
    );
    assert.equal((await send(headersOf(partsOf(agent, body)), body)).code, 'LICENSE_REVOKED');
  });

  it('is what licet-agent report sends, twice the same without harm', async () => {
    const file = join(base, 'usage.json');
    const { id: _, ...said } = JSON.parse(reportText(7)) as { id: string };
    writeFileSync(file, JSON.stringify(said));
    for (let round = 0; round < 2; round++) {
      const { code, out, err } = await site.run('report', '--file', file);
      assert.deepEqual([code, out], [0, 'reported\n'], err);
    }
    writeFileSync(file, JSON.stringify({ ...said, to: new Date(Date.now() + HOUR_MS).toISOString() }));
    const { code, err } = await site.run('report', '--file', file);
    assert.equal(code, 1);
    assert.match(err, /^licet-agent: The server refused the report: .+ \[PERIOD_INVALID\]\n$/);
  });
});

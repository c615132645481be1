import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import {
  type AuthorityBundle,
  createIssuer,
  fingerprintOf,
  IssuerGeneration,
  type IssueRequest,
  type KeyAlgorithm,
  type KeyDescription,
  loadProfiles,
  MemoryCertificateStore,
  openSigner,
  rootAddresses,
  type Signer,
} from '@licet/authority';
import { type Certificate, decodeCertificate, encodePem, MODES, toHex } from '@licet/format';
import { TrustAnchors, verifyLicense } from '@licet/verify';
import { importAuthorities } from '../../authority/import.ts';
import { systemClock as clock } from '../../clock.ts';
import type { AuthorityParts } from '../../wiring/authority.ts';
import { contract } from '../authority/workshop.ts';
import { AgentProcess } from './agent-process.ts';
import { openWorld, type World } from './world.ts';

const BASE = 'http://127.0.0.1:9';
const PROFILES = loadProfiles();
const random = { bytes: (length: number) => new Uint8Array(randomBytes(length)) };

const YEAR_MS = 365 * 86_400_000;
const TODAY = Math.floor(Date.now() / 86_400_000) * 86_400_000;
/** Whatever a contract of the world may say. */
const OFFER = contract({
  modes: MODES,
  limits: ['machines', 'users'].map((code) => ({ code, max: 'unlimited', scope: 'each', enforce: 'report' })),
  term: { from: new Date(TODAY - 2 * YEAR_MS), to: new Date(TODAY + 4 * YEAR_MS) },
});

type Root = { readonly signer: Signer; readonly key: KeyDescription; readonly issuer: IssuerGeneration };

async function certify(by: Signer, order: Pick<IssueRequest, 'profile' | 'issuer' | 'key' | 'claims'>, name: string) {
  const generationOf = async () => order.issuer;
  const issuer = createIssuer({ signer: by, store: new MemoryCertificateStore(), clock, random, generationOf });
  const subject = { organization: 'acme', commonName: name };
  const who = { principal: 'ceremony', keyOwner: name, context: {} };
  return decodeCertificate((await issuer.issue({ ...order, subject, ...who })).certificate);
}

describe('a second root beside the first', function () {
  this.timeout(60_000);
  const folder = mkdtempSync(join(tmpdir(), 'licet-roots-'));
  let world: World;
  let online: Signer;
  let authority: AuthorityParts;
  let first: Root;
  let second: Root;
  let newWithOld: Certificate;
  let oldWithNew: Certificate;
  const bundles: AuthorityBundle[] = [];

  async function makeRoot(name: string, algorithm: KeyAlgorithm): Promise<Root> {
    const keys = { wrappingKey: random.bytes(32) };
    const signer = await openSigner({ folder: join(folder, name), clock, keys });
    const key = await signer.createKey({ purpose: 'root', algorithm, organization: 'acme' });
    const order = { profile: PROFILES.root, issuer: IssuerGeneration.rootToBe(key), key: { held: key } };
    const certificate = await certify(signer, order, 'Acme Root');
    await signer.bindCertificate(key.id, certificate.der);
    const addresses = rootAddresses(BASE, certificate.extensions.subjectKeyIdentifier!);
    return { signer, key, issuer: IssuerGeneration.open(key, [certificate], addresses) };
  }

  const link = (by: Root, of: Root) =>
    certify(by.signer, { profile: PROFILES.link, issuer: by.issuer, key: { held: of.key } }, 'Acme Root');

  /** As request, sign and accept do it, for the organization's CA and its service CA. */
  async function authoritiesBelow(root: Root, links: readonly Certificate[]): Promise<void> {
    for (const purpose of ['organization', 'service'] as const) {
      const before = bundles.findLast(({ key }) => key.purpose === purpose)?.key.id;
      const role = { purpose, algorithm: 'P-256', organization: 'acme' } as const;
      const { id, publicKey } = await (before === undefined ? online.createKey(role) : online.rotateKey(before));
      const profile = PROFILES[purpose === 'service' ? 'service-ca' : purpose];
      const claims = purpose === 'service' ? {} : { claims: OFFER };
      const order = { profile, issuer: root.issuer, key: { held: { publicKey } }, ...claims };
      const own = await certify(root.signer, order, `Acme ${purpose} CA G${bundles.length}`);
      const [above = root.issuer.certificate!] = links;
      await online.bindCertificate(id, own.der, above.der);
      const key = (await online.keys()).find((one) => one.id === id)!;
      bundles.push({ key, chain: [own, root.issuer.certificate!], links });
    }
  }

  // The evaluation of this world has left its mark already.
  const beforeSaving = () => Promise.resolve();
  const takeIn = (given: readonly AuthorityBundle[] = bundles) =>
    importAuthorities({ ...authority, signer: online, clock, organization: 'acme', beforeSaving }, given, []);

  before(async function () {
    first = await makeRoot('first', 'P-256');
    second = await makeRoot('second', 'ML-DSA-65');
    [newWithOld, oldWithNew] = [await link(first, second), await link(second, first)];
    world = await openWorld(this, undefined, async (signer, parts) => {
      [online, authority] = [signer, parts];
      await authoritiesBelow(first, []);
      await takeIn();
    });
  });
  after(async () => {
    await world?.close();
    for (const root of [first, second]) await root?.signer.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const good = async (asked: ReturnType<AgentProcess['run']>) => {
    const ran = await asked;
    assert.equal(ran.code, 0, `${ran.out}${ran.err}`);
    return ran.out;
  };
  const enrol = async (name: string, trusted: Root) => {
    const agent = new AgentProcess(join(folder, name));
    const fingerprint = fingerprintOf(trusted.issuer.certificate!.der);
    const token = await world.token(world.globex.contract, name);
    await good(agent.run('enrol', '--server', world.base, '--fingerprint', fingerprint, '--token', token));
    return agent;
  };
  const stateFor = async (license: string, trusted: Root) => {
    const anchors = TrustAnchors.fromDer([trusted.issuer.certificate!.der]);
    return (await verifyLicense(license, { anchors, at: new Date() })).state;
  };
  const shown = (path: string, trusted: Root) =>
    new Promise<string>((resolve, reject) => {
      const ca = encodePem('CERTIFICATE', trusted.issuer.certificate!.der);
      const asked = get(`${world.base}${path}`, { ca, agent: false }, (answer) => resolve(text(answer)));
      asked.on('error', reject);
    });

  it('cuts off no site, whichever of the two it trusts, and no product', async () => {
    const site = await enrol('before', first);
    const old = site.license();
    assert.equal(await stateFor(old, second), 'invalid', 'nothing leads there yet');
    await authoritiesBelow(second, [newWithOld, oldWithNew]);
    await takeIn();
    await world.renewTls();

    assert.equal(await good(site.run('renew')), 'renewed\n');
    const agents = [site, await enrol('trusts-old', first), await enrol('trusts-new', second)];
    for (const agent of agents) {
      assert.equal(await good(agent.run('renew')), 'renewed\n');
      assert.match(await good(agent.run('status')), /: valid, until /);
      for (const trusted of [first, second]) assert.equal(await stateFor(agent.license(), trusted), 'valid');
    }
    assert.equal(
      site.license().match(/BEGIN/g)?.length,
      4,
      'with the one link that it needs, and without the other root',
    );
    // The authority shows all of it to everybody, and what an older license lacks.
    const [organization] = await authority.directory.inUse('acme', 'organization');
    for (const { generation } of await authority.directory.inUse('acme', 'organization')) {
      const chain = await shown(`/ca/${toHex(generation.keyIdentifier)}.chain.pem`, first);
      const isOld = generation.key !== organization!.generation.key;
      assert.ok(chain.includes(encodePem('CERTIFICATE', (isOld ? oldWithNew : newWithOld).der)));
      if (isOld) assert.equal(await stateFor(old + chain, second), 'valid');
    }
  });

  it('is known as it is when it is imported again', async () => {
    const { authorities, known } = await takeIn();
    assert.deepEqual([authorities, known], [[], 6]);
  });

  it('is not imported with a link that it did not sign, or that is about a root which nobody knows', async () => {
    const stranger = await makeRoot('stranger', 'P-256');
    await stranger.signer.close();
    const forged = Uint8Array.from(newWithOld.der);
    forged[forged.length - 1]! ^= 1;
    for (const bad of [decodeCertificate(forged), await link(first, stranger)]) {
      const given = bundles.map((bundle) => ({ ...bundle, links: [bad] }));
      await assert.rejects(takeIn(given), { code: 'CHAIN_INVALID', message: /link of one root to another/ });
    }
  });
});

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Claims, decodeCertificate } from '@licet/format';
import type { KeyDescription, Signer } from '../../ports/signer.ts';
import type { ProfileName } from '../../profiles/profile.ts';
import { openSigner } from '../../signer/open.ts';
import { createIssuer } from '../issuer.ts';
import { addressesOf, IssuerGeneration } from '../issuer-generation.ts';
import type { IssueRequest } from '../prepare.ts';
import { recover } from '../recover.ts';
import { CONTRACT, PROFILES, Workshop } from './workshop.ts';

/** The other tests have a signer of their own, so that it can fail on command. This one has the signer that ships. */
describe('issuing with the signer that ships', () => {
  const shop = new Workshop();
  let folder: string;
  let signer: Signer;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'licet-signer-'));
    signer = await openSigner({ folder, clock: shop.clock, keys: { wrappingKey: new Uint8Array(randomBytes(32)) } });
  });
  after(async () => {
    await signer.close();
    rmSync(folder, { recursive: true });
  });

  const issuer = (crashPoint?: () => never) =>
    createIssuer({
      ...shop.recovery(),
      signer,
      random: shop.random,
      ...(crashPoint !== undefined && { crashPoint: (point) => void (point === 'issue.signed' && crashPoint()) }),
    });

  function request(profile: ProfileName, above: IssuerGeneration, key: KeyDescription, claims?: Claims): IssueRequest {
    const enterprise = key.enterprise === undefined ? {} : { enterprise: key.enterprise };
    return {
      profile: PROFILES[profile],
      issuer: above,
      key: { held: key },
      subject: { organization: 'acme', ...enterprise, commonName: `Acme ${profile} ${key.id.slice(0, 8)}` },
      ...(claims !== undefined && { claims }),
      principal: `authority ${key.id}`,
      keyOwner: key.id,
      context: {},
    };
  }

  async function certify(
    key: KeyDescription,
    profile: ProfileName,
    above: IssuerGeneration | undefined,
  ): Promise<IssuerGeneration> {
    const claims = PROFILES[profile].claims === 'required' ? CONTRACT : undefined;
    const { certificate } = await issuer().issue(
      request(profile, above ?? IssuerGeneration.rootToBe(key), key, claims),
    );
    await signer.bindCertificate(key.id, certificate, above?.certificate?.der);
    const own = decodeCertificate(certificate);
    const addresses = addressesOf('http://pki.acme.example', own.extensions.subjectKeyIdentifier!, 4);
    const generation = IssuerGeneration.open(key, [own, ...(above?.chain ?? [])], addresses);
    shop.generations.set(key.id, generation);
    return generation;
  }

  const key = (purpose: KeyDescription['purpose'], enterprise?: string) =>
    signer.createKey({
      purpose,
      algorithm: 'P-256',
      organization: 'acme',
      ...(enterprise !== undefined && { enterprise }),
    });

  it('asks to come again when the CA was certified anew for less while a license was prepared', async () => {
    const root = await certify(await key('root'), 'root', undefined);
    const organization = await certify(await key('organization'), 'organization', root);
    const held = await key('enterprise', 'globex');
    const enterprise = await certify(held, 'enterprise', organization);
    const license = shop.siteRequest(enterprise);
    const less = { ...CONTRACT, features: ['press'] };
    const { certificate } = await issuer().issue({
      ...request('enterprise', organization, held, less),
      principal: 'lowered',
    });
    await signer.bindCertificate(held.id, certificate, organization.certificate?.der);
    await assert.rejects(issuer().issue(license), { code: 'ISSUER_CHANGED', message: /ask again/ });
    const chain = [decodeCertificate(certificate), ...organization.chain] as const;
    const changed = IssuerGeneration.open(held, chain, enterprise.addresses!);
    shop.now = new Date(shop.now.getTime() + 60_000);
    const claims = { ...license.claims!, features: ['press'] };
    assert.equal((await issuer().issue({ ...license, issuer: changed, claims })).fresh, true);
  });

  it('gives the signer the newest certificate of a CA again, and asks all who were refused to come again', async () => {
    const root = await certify(await key('root'), 'root', undefined);
    const organization = await certify(await key('organization'), 'organization', root);
    const held = await key('enterprise', 'globex');
    const less = { ...CONTRACT, features: ['press'] };
    const older = request('enterprise', organization, held, less);
    const { certificate: before } = await issuer().issue({ ...older, principal: 'before' });
    shop.now = new Date(shop.now.getTime() + 3_600_000);
    const now = await certify(held, 'enterprise', organization);
    // As a copy of its keys has it.
    await signer.bindCertificate(held.id, before, organization.certificate?.der);
    const given = Promise.withResolvers<void>();
    let asked = 0;
    const shared = new Proxy(signer, {
      get: (all, name: keyof Signer) => {
        if (name !== 'keys') return all[name].bind(all);
        return async () => ((asked += 1) === 1 ? all.keys() : given.promise.then(() => all.keys()));
      },
    });
    const both = createIssuer({ ...shop.recovery(), signer: shared, random: shop.random });
    const licenses = [shop.siteRequest(now), shop.siteRequest(now)];
    const [first, second] = licenses.map((license) => both.issue(license));
    const again = { code: 'ISSUER_CHANGED', message: /ask again/ };
    await Promise.all([assert.rejects(first!, again).finally(given.resolve), assert.rejects(second!, again)]);
    assert.deepEqual(
      (await Promise.all(licenses.map((license) => both.issue(license)))).map(({ fresh }) => fresh),
      [true, true],
    );
  });

  it('signs every profile that the design has, and completes from its journal what was interrupted', async () => {
    const root = await certify(await key('root'), 'root', undefined);
    const organization = await certify(await key('organization'), 'organization', root);
    const enterprise = await certify(await key('enterprise', 'globex'), 'enterprise', organization);
    const service = await certify(await key('service'), 'service-ca', root);
    await issuer().issue(request('ocsp', enterprise, await key('ocsp', 'globex')));
    await issuer().issue(request('ocsp', root, await key('ocsp')));
    await issuer().issue(request('manifest', organization, await key('manifest')));
    await issuer().issue({
      ...request('service', service, await key('tls')),
      hosts: [{ kind: 'dns', value: 'license.acme.example' }],
    });

    const license = shop.siteRequest(enterprise);
    const crash = () => {
      throw new Error('kill -9');
    };
    await assert.rejects(issuer(crash).issue(license), /kill -9/);
    // The journal writes a signature down with its next order, at the latest.
    await issuer().issue(request('ocsp', service, await key('ocsp')));
    shop.now = new Date(shop.now.getTime() + 60_000);
    assert.deepEqual(await recover({ ...shop.recovery(), signer }, shop.now), { completed: 1, closed: 0, left: [] });
    assert.equal((await issuer().issue(license)).fresh, false);
  }).timeout(20_000);
});

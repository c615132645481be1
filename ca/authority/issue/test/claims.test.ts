import assert from 'node:assert/strict';
import { type Certificate, type Claims, decodeCertificate, decodeClaims, excess, meet, OID } from '@licet/format';
import * as fc from 'fast-check';
import { AuthorityError } from '../../errors.ts';
import { IssuerGeneration } from '../issuer-generation.ts';
import { prepare } from '../prepare.ts';
import { claims, makeCsr, START, Workshop } from './workshop.ts';

const FEATURES = ['oven', 'oven/grill', 'press', 'press/remote', 'robot'];
const CODES = ['hours', 'machines', 'users'];

const day = (n: number) => new Date(Date.UTC(2026, 0, 1 + n));

/** Small worlds, so that parent and child often have something in common and often not. */
const anyClaims: fc.Arbitrary<Claims> = fc
  .record({
    modes: fc.subarray(['production', 'development', 'recovery'] as const, { minLength: 1 }),
    rank: fc.integer({ min: 0, max: 3 }),
    features: fc.subarray(FEATURES, { minLength: 1 }),
    codes: fc.subarray(CODES),
    max: fc.constantFrom(1, 5, 10, 'unlimited' as const),
    scope: fc.constantFrom('each' as const, 'pool' as const),
    enforce: fc.constantFrom('report' as const, 'soft' as const, 'hard' as const),
    from: fc.integer({ min: 0, max: 300 }),
    length: fc.integer({ min: 400, max: 900 }),
    grace: fc.constantFrom(0, 86_400, 1_209_600),
    contact: fc.constantFrom(3600, 604_800),
    degrade: fc.constantFrom('warn' as const, 'readOnly' as const, 'stop' as const),
    binding: fc.option(fc.record({ need: fc.integer({ min: 1, max: 3 }), digests: fc.constant('any' as const) }), {
      nil: undefined,
    }),
    reporting: fc.option(fc.record({ every: fc.constantFrom(3600, 86_400), required: fc.boolean() }), {
      nil: undefined,
    }),
  })
  .map(({ rank, codes, max, scope, enforce, from, length, binding, reporting, ...rest }) =>
    claims({
      ...rest,
      tier: { rank, code: `tier-${rank}` },
      limits: codes.map((code) => ({ code, max, scope, enforce })),
      term: { from: day(from), to: day(from + length) },
      ...(binding && { binding }),
      ...(reporting && { reporting }),
    }),
  );

const claimsOf = ({ extensions }: Certificate) =>
  decodeClaims(extensions.all.find(({ oid }) => oid === OID.licenseClaims)!.value);

describe('claims', () => {
  const shop = new Workshop();
  let root: IssuerGeneration;
  const csr = makeCsr();
  before(async () => {
    root = await shop.root();
  });

  it('are never above the issuer’s chain nor above the contract, whatever these are', async () => {
    let signed = 0;
    let refused = 0;
    const property = fc.asyncProperty(
      anyClaims,
      anyClaims,
      anyClaims,
      fc.boolean(),
      async (own, contract, wish, modest) => {
        const organization = await shop.ca(root, 'organization', 'P-256', { claims: own });
        const bounded = modest ? meet(own, meet(contract, wish)) : wish;
        try {
          const enterprise = await shop.ca(organization, 'enterprise', 'P-256', { claims: bounded, contract });
          const granted = claimsOf(enterprise.certificate!);
          assert.deepEqual(excess(own, granted), []);
          assert.deepEqual(excess(contract, granted), []);
          assert.deepEqual(excess(bounded, granted), []);
          assert.deepEqual(enterprise.claims, granted);
          const site = { ...granted, modes: granted.modes.slice(0, 1) };
          const ticket = prepare(shop.siteRequest(enterprise, { key: { csr }, claims: site }), {
            now: START,
            random: shop.random,
          });
          assert.deepEqual(excess(granted, claimsOf(ticket.preview)), []);
          signed += 1;
        } catch (error) {
          if (!(error instanceof AuthorityError)) throw error;
          assert.ok(
            ['CLAIMS_ABOVE_PARENT', 'ISSUER_NOT_VALID'].includes(error.code),
            `${error.code}: ${error.message}`,
          );
          if (error.code === 'CLAIMS_ABOVE_PARENT') assert.ok(error.details.length > 0);
          refused += 1;
        }
      },
    );
    await fc.assert(property, { numRuns: 150 });
    assert.ok(signed > 10 && refused > 10, `${signed} signed, ${refused} refused`);
  }).timeout(20_000);

  it('of a chain whose CA says more than its parent are worth the meet only', async () => {
    const organization = await shop.ca(root, 'organization', 'P-256', { claims: claims({ features: ['press'] }) });
    const broader = await shop.ca(root, 'organization', 'P-256', { claims: claims() });
    const enterprise = await shop.ca(broader, 'enterprise', 'P-256', { claims: claims() });
    const key = (await shop.signer.keys()).find(({ id }) => id === enterprise.key)!;
    // As after the organization was certified again with less, under the same key.
    const shrunk = IssuerGeneration.open(
      key,
      [enterprise.certificate!, organization.certificate!, root.certificate!],
      enterprise.addresses!,
    );
    assert.deepEqual(shrunk.claims?.features, ['press']);
    const request = shop.siteRequest(shrunk, { key: { csr }, claims: claims() });
    assert.throws(() => prepare(request, { now: START, random: shop.random }), { code: 'CLAIMS_ABOVE_PARENT' });
  });

  it('too large for a certificate are refused by name, before anything is recorded', async () => {
    const features = Array.from({ length: 256 }, (_, i) => `press/${String(i).padStart(3, '0')}-${'x'.repeat(40)}`);
    const before = shop.store.intents.length;
    await assert.rejects(shop.ca(root, 'organization', 'P-256', { claims: claims({ features }) }), {
      code: 'CLAIMS_LIMIT',
    });
    assert.equal(shop.store.intents.length, before);
  });

  it('reach the certificate as they were asked for when nothing stands in their way', async () => {
    const organization = await shop.ca(root, 'organization', 'P-256', { claims: claims() });
    assert.deepEqual(claimsOf(decodeCertificate(organization.certificate!.der)), claims());
  });
});

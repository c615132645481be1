import * as fc from 'fast-check';
import { compareCodes, DEGRADES, ENFORCES, MODES, SCOPES } from '../claims.ts';
import type { Binding, Claims, Limit, Reporting } from '../claims.ts';

/** A small alphabet, so that two random claims often have something in common. */
const code = fc.constantFrom('app', 'app/export', 'app/sso', 'base', 'zoo', 'é', '\u{1F600}', '\uFFFD');
const number = fc.oneof(fc.integer({ min: 0, max: 5 }), fc.constantFrom(86_400, 2_592_000, Number.MAX_SAFE_INTEGER));
const positive = number.map((value) => Math.max(1, value));
const date = fc.integer({ min: 0, max: 40 }).map((month) => new Date(Date.UTC(2026, month, 1)));
const digest = fc.integer({ min: 0, max: 5 }).map((value) => value.toString(16).padStart(64, '0'));

// Plain objects, as everything that makes claims makes them.
const plain = { noNullPrototype: true } as const;

const limit: fc.Arbitrary<Limit> = fc.record(
  {
    code,
    max: fc.oneof(number, fc.constant('unlimited' as const)),
    scope: fc.constantFrom(...SCOPES),
    enforce: fc.constantFrom(...ENFORCES),
  },
  plain,
);

const binding: fc.Arbitrary<Binding> = fc.oneof(
  fc.record({ need: fc.integer({ min: 1, max: 4 }), digests: fc.constant('any' as const) }, plain),
  fc
    .uniqueArray(digest, { minLength: 1, maxLength: 5 })
    .chain((digests) =>
      fc.record({ need: fc.integer({ min: 1, max: digests.length }), digests: fc.constant(digests.sort()) }, plain),
    ),
);

const reporting: fc.Arbitrary<Reporting> = fc.record({ every: positive, required: fc.boolean() }, plain);

export const uuid = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) =>
  Buffer.from(bytes)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
);

const sorted = <T extends string>(values: readonly T[]) => [...values].sort(compareCodes);

/** Claims as the codec accepts them. */
export const claims: fc.Arbitrary<Claims> = fc
  .record(
    {
      id: uuid,
      sequence: positive,
      modes: fc.subarray([...MODES], { minLength: 1 }),
      tier: fc.record({ rank: fc.integer({ min: 0, max: 3 }), code: fc.constantFrom('basic', 'pro', 'site') }, plain),
      features: fc.uniqueArray(code, { minLength: 1 }).map(sorted),
      limits: fc
        .uniqueArray(limit, { selector: ({ code }) => code, maxLength: 5 })
        .map((limits) => limits.sort((a, b) => compareCodes(a.code, b.code))),
      term: fc
        .tuple(date, date)
        .filter(([a, b]) => a.getTime() !== b.getTime())
        .map(([a, b]) => (a < b ? { from: a, to: b } : { from: b, to: a })),
      grace: number,
      contact: number,
      degrade: fc.constantFrom(...DEGRADES),
      binding,
      reporting,
    },
    {
      noNullPrototype: true,
      requiredKeys: ['id', 'sequence', 'modes', 'tier', 'features', 'limits', 'term', 'grace', 'contact', 'degrade'],
    },
  )
  .map((value) => value as Claims);

/** Claims to start a test from. */
export const SAMPLE: Claims = {
  id: '3f0c8a52-9c1e-4c57-8f55-0a1b2c3d4e5f',
  sequence: 7,
  modes: ['production'],
  tier: { rank: 20, code: 'professional' },
  features: ['app', 'app/export', 'app/sso'],
  limits: [
    { code: 'nodes', max: 10, scope: 'each', enforce: 'hard' },
    { code: 'users', max: 'unlimited', scope: 'pool', enforce: 'report' },
  ],
  term: { from: new Date('2026-01-01T00:00:00Z'), to: new Date('2027-01-01T00:00:00Z') },
  grace: 1_209_600,
  contact: 2_592_000,
  degrade: 'readOnly',
  binding: { need: 2, digests: ['aa'.repeat(32), 'bb'.repeat(32), 'cc'.repeat(32)] },
  reporting: { every: 7_776_000, required: true },
};

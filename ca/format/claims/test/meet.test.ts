import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { Claims } from '../claims.ts';
import { compareCodes, DEGRADES, ENFORCES } from '../claims.ts';
import { emptyRights, excess, meet } from '../meet.ts';
import { claims, SAMPLE } from './arbitraries.ts';

/** The rights alone: `id` and `sequence` are the child's own and stand outside the lattice. */
function rights(value: Claims): Omit<Claims, 'id' | 'sequence'> {
  const { id: _id, sequence: _sequence, ...rest } = value;
  return rest;
}

/**
 * The order of the lattice, written down claim by claim and on purpose without the help of `meet`: does `a` grant
 * nothing that `b` does not, and owe everything that `b` owes?
 */
function atMost(a: Claims, b: Claims): boolean {
  const below = (x: number | 'unlimited', y: number | 'unlimited') =>
    y === 'unlimited' || (x !== 'unlimited' && x <= y);
  return (
    a.modes.every((mode) => b.modes.includes(mode)) &&
    (a.tier.rank < b.tier.rank || (a.tier.rank === b.tier.rank && compareCodes(a.tier.code, b.tier.code) <= 0)) &&
    a.features.every((feature) => b.features.includes(feature)) &&
    a.limits.every((limit) =>
      b.limits.some(
        (other) =>
          other.code === limit.code &&
          below(limit.max, other.max) &&
          (other.scope === 'each' || limit.scope === 'pool') &&
          ENFORCES.indexOf(limit.enforce) >= ENFORCES.indexOf(other.enforce),
      ),
    ) &&
    a.term.from >= b.term.from &&
    a.term.to <= b.term.to &&
    a.grace <= b.grace &&
    a.contact <= b.contact &&
    DEGRADES.indexOf(a.degrade) >= DEGRADES.indexOf(b.degrade) &&
    bindingAtMost(a, b) &&
    (!b.reporting ||
      (a.reporting !== undefined &&
        a.reporting.every <= b.reporting.every &&
        (a.reporting.required || !b.reporting.required)))
  );
}

function bindingAtMost(a: Claims, b: Claims): boolean {
  if (!b.binding) return true;
  if (!a.binding || a.binding.need < b.binding.need) return false;
  const { digests } = b.binding;
  if (digests === 'any') return true;
  return a.binding.digests !== 'any' && a.binding.digests.every((digest) => digests.includes(digest));
}

/** What a binding means: does a machine with these fingerprints satisfy it? */
function satisfies(machine: readonly string[], { binding }: Claims): boolean {
  if (!binding || binding.digests === 'any') return true;
  return binding.digests.filter((digest) => machine.includes(digest)).length >= binding.need;
}

describe('the meet of claims', () => {
  it('does not depend on who is the parent, id and sequence aside', () => {
    fc.assert(fc.property(claims, claims, (a, b) => assert.deepEqual(rights(meet(a, b)), rights(meet(b, a)))));
  });

  it('does not depend on the order in which a chain is folded', () => {
    fc.assert(
      fc.property(claims, claims, claims, (a, b, c) => assert.deepEqual(meet(meet(a, b), c), meet(a, meet(b, c)))),
    );
  });

  it('of claims with themselves is these claims', () => {
    fc.assert(fc.property(claims, (a) => assert.deepEqual(meet(a, a), a)));
  });

  it('is never above either side', () => {
    fc.assert(
      fc.property(claims, claims, (a, b) => {
        const both = meet(a, b);
        assert.ok(atMost(both, a), 'above the parent');
        assert.ok(atMost(both, b), 'above the child');
      }),
    );
  });

  it('leaves exactly those claims alone that are below the other side', () => {
    fc.assert(fc.property(claims, claims, (a, b) => assert.equal(same(meet(b, a), a), atMost(a, b))));
  });

  it('keeps the id and the sequence of the child', () => {
    fc.assert(
      fc.property(claims, claims, (a, b) => {
        const both = meet(a, b);
        assert.deepEqual([both.id, both.sequence], [b.id, b.sequence]);
      }),
    );
  });

  it('of a chain with over-reaching children at any depth never exceeds any ancestor', () => {
    fc.assert(
      fc.property(fc.array(claims, { minLength: 2, maxLength: 6 }), (chain) => {
        const effective = chain.reduce((parent, child) => meet(parent, child));
        for (const ancestor of chain) assert.ok(atMost(effective, ancestor));
      }),
    );
  });

  it('is satisfied only by machines that satisfy both bindings', () => {
    const machine = fc.uniqueArray(fc.integer({ min: 0, max: 5 }).map((value) => value.toString(16).padStart(64, '0')));
    fc.assert(
      fc.property(claims, claims, machine, (a, b, fingerprints) => {
        if (satisfies(fingerprints, meet(a, b))) {
          assert.ok(satisfies(fingerprints, a) && satisfies(fingerprints, b));
        }
      }),
    );
  });

  const corners: { name: string; parent: Partial<Claims>; child: Partial<Claims>; effective: Partial<Claims> }[] = [
    {
      name: 'unlimited gives way to any number',
      parent: { limits: [{ code: 'nodes', max: 0, scope: 'each', enforce: 'hard' }] },
      child: { limits: [{ code: 'nodes', max: 'unlimited', scope: 'each', enforce: 'hard' }] },
      effective: { limits: [{ code: 'nodes', max: 0, scope: 'each', enforce: 'hard' }] },
    },
    {
      name: 'a limit that one side does not have is not licensed',
      parent: { limits: [] },
      child: { limits: [{ code: 'nodes', max: 1, scope: 'each', enforce: 'hard' }] },
      effective: { limits: [] },
    },
    {
      name: 'scope and enforcement are the stricter of both, whatever the number',
      parent: { limits: [{ code: 'nodes', max: 9, scope: 'pool', enforce: 'report' }] },
      child: { limits: [{ code: 'nodes', max: 5, scope: 'each', enforce: 'soft' }] },
      effective: { limits: [{ code: 'nodes', max: 5, scope: 'pool', enforce: 'soft' }] },
    },
    {
      name: 'a product does not contain its features',
      parent: { features: ['app'] },
      child: { features: ['app', 'app/export'] },
      effective: { features: ['app'] },
    },
    {
      name: 'the tier with the lower rank wins, whatever its name',
      parent: { tier: { rank: 3, code: 'a' } },
      child: { tier: { rank: 2, code: 'z' } },
      effective: { tier: { rank: 2, code: 'z' } },
    },
    {
      name: 'a site cannot lower the number of fingerprints, and keeps its own',
      parent: { binding: { need: 3, digests: 'any' } },
      child: { binding: { need: 1, digests: ['01'] } },
      effective: { binding: { need: 3, digests: ['01'] } },
    },
    {
      name: 'disjoint fingerprints satisfy nobody',
      parent: { binding: { need: 1, digests: ['01'] } },
      child: { binding: { need: 1, digests: ['02'] } },
      effective: { binding: { need: 1, digests: [] } },
    },
    {
      name: 'reports are due as often as the stricter side wants, and required if either requires them',
      parent: { reporting: { every: 100, required: false } },
      child: { reporting: { every: 200, required: true } },
      effective: { reporting: { every: 100, required: true } },
    },
  ];
  for (const { name, parent, child, effective } of corners) {
    it(name, () => {
      assert.deepEqual(meet({ ...SAMPLE, ...parent }, { ...SAMPLE, ...child }), { ...SAMPLE, ...effective });
    });
  }

  it('keeps the need for a binding that a site drops', () => {
    const { binding: _dropped, ...unbound } = SAMPLE;
    const parent: Claims = { ...SAMPLE, binding: { need: 2, digests: 'any' } };
    assert.deepEqual(meet(parent, unbound).binding, { need: 2, digests: 'any' });
  });
});

const same = (a: Claims, b: Claims) => JSON.stringify(rights(a)) === JSON.stringify(rights(b));

describe('claims that leave nothing', () => {
  it('are found by name', () => {
    const parent: Claims = { ...SAMPLE, term: { from: new Date(0), to: new Date(1000) } };
    const child: Claims = { ...SAMPLE, modes: ['recovery'], features: ['other'] };
    assert.deepEqual(emptyRights(meet(parent, child)), ['modes', 'features', 'term']);
    assert.deepEqual(emptyRights(SAMPLE), []);
  });

  it('include a term of no length', () => {
    const at = new Date('2026-06-01T00:00:00Z');
    assert.deepEqual(emptyRights({ ...SAMPLE, term: { from: at, to: at } }), ['term']);
  });
});

describe('what a child says beyond its parent', () => {
  it('is nothing exactly when the meet leaves the child as it is', () => {
    fc.assert(
      fc.property(claims, claims, (parent, child) => {
        assert.equal(excess(parent, child).length === 0, same(meet(parent, child), child));
      }),
    );
  });

  it('is nothing exactly when the child is below its parent', () => {
    fc.assert(
      fc.property(claims, claims, (parent, child) => {
        assert.equal(excess(parent, child).length === 0, atMost(child, parent));
      }),
    );
  });

  it('names every claim', () => {
    const parent: Claims = {
      ...SAMPLE,
      modes: ['development'],
      tier: { rank: 1, code: 'basic' },
      features: ['app'],
      limits: [{ code: 'nodes', max: 5, scope: 'each', enforce: 'hard' }],
      term: { from: new Date('2026-02-01T00:00:00Z'), to: new Date('2026-03-01T00:00:00Z') },
      grace: 0,
      contact: 0,
      degrade: 'stop',
      binding: { need: 3, digests: 'any' },
      reporting: { every: 1, required: true },
    };
    assert.deepEqual(
      excess(parent, SAMPLE).map(({ claim, detail }) => `${claim}: ${detail}`),
      [
        'modes: mode production is not granted above',
        'tier: tier professional (rank 20) is above basic (rank 1)',
        'features: "app/export" is not granted above',
        'features: "app/sso" is not granted above',
        'limits: limit "nodes" says 10 (each, hard) and may say 5 (each, hard)',
        'limits: limit "users" is not granted above',
        'term: begins before the term above',
        'term: ends after the term above',
        'grace: 1209600 s is longer than 0 s',
        'contact: 2592000 s is longer than 0 s',
        'degrade: readOnly is milder than stop',
        'binding: needs 2 fingerprints instead of 3',
        'reporting: reports less than is demanded above',
      ],
    );
  });
});

describe('the order of codes', () => {
  it('is the order of their UTF-8 bytes', () => {
    const text = fc.string({ unit: 'grapheme' });
    fc.assert(
      fc.property(text, text, (a, b) => {
        assert.equal(Math.sign(compareCodes(a, b)), Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
    assert.ok(compareCodes('\uFFFD', '\u{1F600}') < 0);
  });
});

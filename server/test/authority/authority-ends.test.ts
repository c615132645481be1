import assert from 'node:assert/strict';
import { createEndsCheck, createEndsReader, soonestEnds } from '../../authority/authority-ends.ts';
import type { Directory } from '../../authority/directory.ts';
import type { AuthorityKind } from '../../authority/ports/authorities.ts';

const DAY = 86_400_000;
const NOW = new Date('2026-11-21T12:00:00Z');
const inDays = (days: number) => new Date(NOW.getTime() + days * DAY);

type Given = {
  readonly kind: AuthorityKind;
  readonly end: number;
  readonly begin?: number;
  readonly status?: string;
  readonly contract?: string;
  readonly isRootHere?: boolean;
};

/** CAs that end in so many days, below a root that ends in five thousand. */
function endsOf(...given: readonly Given[]) {
  const all = new Map<string, unknown>();
  for (const { kind, end, begin = -1000, status = 'active', contract, isRootHere = false } of given) {
    const enterprise = kind === 'enterprise' ? 'globex' : undefined;
    const key = `key-${all.size}`;
    const root = { notBefore: inDays(-1000), notAfter: inDays(5000) };
    all.set(key, {
      authority: { key, kind, status, contract, organization: 'acme', enterprise, parent: `${isRootHere}` },
      generation: { chain: [{ notBefore: inDays(begin), notAfter: inDays(end) }, root] },
    });
  }
  const held = [...all.keys()].map((key) => ({ key }));
  return createEndsReader({
    held: () => Promise.resolve(held),
    find: (key: string) => Promise.resolve(all.get(key) ?? { authority: { held: key === 'true' } }),
  } as unknown as Directory);
}

const check = (...given: readonly Given[]) => createEndsCheck(endsOf(...given), { now: () => NOW })();

describe('the end of a CA', () => {
  it('is named half a year ahead, with what is to be done', async () => {
    assert.equal(await check({ kind: 'organization', end: 181 }, { kind: 'service', end: 181 }), undefined);
    const said = await check({ kind: 'organization', end: 179 }, { kind: 'service', end: 900 });
    assert.match(
      said ?? '',
      /^The certificate of the organization CA of "acme", key key-0, ends at 2027-05-19.*ceremony/,
    );
    const both = await check({ kind: 'organization', end: 100, isRootHere: true }, { kind: 'service', end: 100 });
    assert.match(both ?? '', /"licet authority rollover key-0"\. The certificate of the service CA/);
  });

  it('is named in the last third of a short life: an enterprise gets no other certificate before', async () => {
    assert.equal(await check({ kind: 'enterprise', begin: -100, end: 60 }), undefined);
    assert.match((await check({ kind: 'enterprise', begin: -100, end: 49 })) ?? '', /"globex".*organization certify/);
  });

  it('leaves a server not ready where nothing can be issued any more', async () => {
    await assert.rejects(check({ kind: 'organization', end: -1 }), /organization CA of "acme".* ended at 2026-11-20/);
    await assert.rejects(check({ kind: 'enterprise', end: -1 }), /ended at/);
    assert.match((await check({ kind: 'service', end: -1 })) ?? '', /ended at/);
  });

  it("is nobody's matter where the CA is out of office, or is certified anew by itself", async () => {
    const old = { kind: 'organization', end: -1, status: 'crl-only' } as const;
    assert.equal(
      await check(old, { kind: 'enterprise', end: -1, contract: 'C-1' }, { kind: 'root', end: -1 }),
      undefined,
    );
  });

  it('is measured: the first of each kind, with their roots', async () => {
    const all = endsOf(
      { kind: 'organization', end: 900 },
      { kind: 'organization', end: 300 },
      { kind: 'service', end: 500 },
    );
    assert.deepEqual(Object.fromEntries(soonestEnds(await all())), {
      organization: inDays(300),
      root: inDays(5000),
      service: inDays(500),
    });
  });
});

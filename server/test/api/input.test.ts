import assert from 'node:assert/strict';
import { z } from 'zod';
import { type Endpoint, isOpen } from '../../http/api/endpoint.ts';
import { ENDPOINTS } from '../../http/api/index.ts';
import { sql } from '../../persistence/transactions.ts';
import { client, type Client } from './client.ts';
import { CATALOG, openShop, type Shop, TERMS } from './shop.ts';
import { openWorld, type World } from './world.ts';

const ENTERPRISES = '/api/v1/enterprises';

describe('What comes in', () => {
  let world: World;
  let api: Client;
  let shop: Shop;

  before(async function () {
    this.timeout(60_000);
    world = await openWorld(this);
    api = client(world.url, world.owners.acme);
    shop = await openShop(api, 'globex');
  });
  after(() => world?.close());

  it('is refused with a pointer to each unknown field', async () => {
    const { body, status } = await api.refused('POST', ENTERPRISES, { slug: 'x', name: 'X', colour: 'red', shape: 1 });
    assert.deepEqual([status, body.code], [400, 'INPUT_INVALID']);
    assert.deepEqual(
      body.errors?.map(({ pointer }) => pointer),
      ['/colour', '/shape'],
    );
  });

  it('is refused at an unknown query parameter', async () => {
    const { body } = await api.refused('GET', `${ENTERPRISES}?colour=red`);
    assert.deepEqual(
      body.errors?.map(({ pointer }) => pointer),
      ['/query/colour'],
    );
  });

  for (const [name, query] of [
    ['nothing', 'limit=0'],
    ['one more than the most', 'limit=201'],
    ['half an item', 'limit=1.5'],
    ['two limits', 'limit=1&limit=2'],
    ['a word', 'limit=many'],
    ['another order', 'order=sideways'],
    ['an unknown status', 'status=purple'],
    ['an empty cursor', 'after='],
  ]) {
    it(`is refused when a page is asked for ${name}`, async () => {
      assert.equal((await api.refused('GET', `${ENTERPRISES}?${query}`)).body.code, 'INPUT_INVALID');
    });
  }

  it('is refused at a NUL in a path, a query or a body, and never a defect', async () => {
    const incident = { issuerKey: 'a\0b', explanation: 'none', hours: 1 };
    for (const [method, path, body] of [
      ['GET', '/api/v1/sites?name=%00'],
      ['GET', '/api/v1/audit?subject=a%00b'],
      ['GET', '/api/v1/licenses/%00'],
      ['POST', '/api/v1/renewal-incidents', incident],
    ] as const) {
      assert.equal((await api.refused(method, path, body)).status, 400, path);
    }
  });

  it('is refused at a serial that is none, wherever one is named', async () => {
    const list = { order: 'none', change: 'suspend', serials: ['plant-7'] };
    const incident = { serials: ['plant-7'], explanation: 'none', hours: 1 };
    for (const [method, path, body] of [
      ['POST', '/api/v1/license-changes', list],
      ['POST', '/api/v1/licenses/plant-7/suspend', undefined],
      ['POST', '/api/v1/keys/validate', { serial: 'plant-7' }],
      ['POST', '/api/v1/renewal-incidents', incident],
      ['POST', '/api/v1/keys/validate', { serial: 'ff'.repeat(20) }],
    ] as const) {
      assert.equal((await api.refused(method, path, body)).body.code, 'INPUT_INVALID', path);
    }
  });

  it('is refused at a cursor that no page has named', async () => {
    assert.equal((await api.refused('GET', `${ENTERPRISES}?after=yesterday`)).body.code, 'CURSOR_INVALID');
  });

  it('is refused with every list field empty where it needs an entry, and every enum unknown', async () => {
    const terms = { ...TERMS, features: ['globex'] };
    const cases: [string, object, string][] = [
      ['/api/v1/products', { code: 'p', name: 'P', catalog: { ...CATALOG, tiers: [] } }, '/catalog/tiers'],
      [
        '/api/v1/plans',
        { code: 'p', name: 'P', months: 1, requestsPerMonth: 1, terms: { ...terms, features: [] } },
        '/terms/features',
      ],
      [
        '/api/v1/plans',
        { code: 'p', name: 'P', months: 1, requestsPerMonth: 1, terms: { ...terms, degrade: 'explode' } },
        '/terms/degrade',
      ],
      [
        '/api/v1/plans',
        { code: 'p', name: 'P', months: 1, requestsPerMonth: 1, terms: { ...terms, siteCaps: {} } },
        '/terms/siteCaps',
      ],
      ['/api/v1/sites/create', { contract: shop.contract, name: 'x', mode: 'sleeping' }, '/mode'],
      ['/api/v1/tokens', { name: 'x', roles: [], days: 1 }, '/roles'],
      ['/api/v1/tokens', { name: 'x', roles: ['emperor'], days: 1 }, '/roles/0'],
    ];
    for (const [path, body, pointer] of cases) {
      const answer = await api.refused('POST', path, body);
      assert.equal(answer.status, 400, path);
      assert.deepEqual(
        answer.body.errors?.map((error) => error.pointer),
        [pointer],
        path,
      );
    }
  });

  it('is refused with each required field left out', async () => {
    for (const endpoint of ENDPOINTS.filter(({ method, body }) => method === 'POST' && body !== undefined)) {
      const whole = endpoint.example.body as Record<string, unknown>;
      for (const name of Object.keys(whole)) {
        const rest = Object.fromEntries(Object.entries(whole).filter(([other]) => other !== name));
        if (endpoint.body?.safeParse(rest).success === true) continue; // it may be left out
        const { status, body } = await api.refused('POST', endpoint.path, rest);
        assert.deepEqual([status, body.code], [400, 'INPUT_INVALID'], `${endpoint.path} without ${name}`);
      }
    }
  });

  for (const [name, text] of Object.entries({
    'a NUL': 'a\u0000b',
    'a line end': 'a\nb',
    'text turned around': 'a\u202Eb',
    'a lone surrogate': 'a\uD800b',
    'too much': 'x'.repeat(201),
    nothing: '',
  })) {
    it(`is refused with a name that holds ${name}`, async () => {
      const { status, body } = await api.refused('POST', ENTERPRISES, { slug: 'hostile', name: text });
      assert.deepEqual([status, body.errors?.map(({ pointer }) => pointer)], [400, ['/name']]);
    });
  }

  it('keeps text that only looks hostile exactly as it was sent', async () => {
    const name = `'; drop table enterprises; -- <script>alert(1)</script> 名前 {{7*7}}`;
    const { body } = await api.ok('POST', ENTERPRISES, { slug: 'hostile', name });
    assert.equal((body as { name: string }).name, name);
  });

  it('needs If-Match for a change, and refuses an older version', async () => {
    const path = `${ENTERPRISES}/${shop.enterprise}`;
    const missing = await api.refused('PUT', path, { name: 'A' });
    assert.deepEqual([missing.status, missing.body.code], [428, 'VERSION_REQUIRED']);
    const { headers } = await api.ok('GET', path);
    const tag = headers.get('etag')!;
    await api.ok('PUT', path, { name: 'B' }, { 'If-Match': tag });
    for (const stale of [tag, 'W/"1"', '"x"', '"0"', '"1", "2"']) {
      const { status, body } = await api.refused('PUT', path, { name: 'C' }, { 'If-Match': stale });
      assert.deepEqual([status, body.code], [412, 'VERSION_STALE'], stale);
    }
    assert.equal(((await api.ok('GET', path)).body as { name: string }).name, 'B');
  });

  it('needs If-Match for a change of a person too', async () => {
    const path = `/api/v1/people/${shop.person}`;
    const tag = (await api.ok('GET', path)).headers.get('etag') ?? '';
    assert.equal((await api.refused('PUT', path, { roles: ['billing'] })).status, 428);
    await api.ok('PUT', path, { roles: ['billing'] }, { 'If-Match': tag });
    assert.equal((await api.refused('PUT', path, { roles: ['auditor'] }, { 'If-Match': tag })).status, 412);
  });

  it('gives one of two that change the same version at once a refusal', async () => {
    const path = `${ENTERPRISES}/${shop.enterprise}`;
    const tag = (await api.ok('GET', path)).headers.get('etag')!;
    const names = ['One', 'Two', 'Three', 'Four'];
    const answers = await Promise.all(names.map((name) => api.call('PUT', path, { name }, { 'If-Match': tag })));
    assert.deepEqual(
      answers.map(({ status }) => status).sort((a, b) => a - b),
      [200, 412, 412, 412],
    );
  });

  it('answers 304 to who has the version already', async () => {
    const path = `${ENTERPRISES}/${shop.enterprise}`;
    const tag = (await api.ok('GET', path)).headers.get('etag')!;
    const headers = { Authorization: `Bearer ${world.owners.acme}`, 'If-None-Match': tag };
    assert.equal((await fetch(`${world.url}${path}`, { headers })).status, 304);
  });

  it('refuses a transition that is not possible, and a status together with something else', async () => {
    const again = await api.refused('POST', `/api/v1/contracts/${shop.contract}/activate`, undefined, {
      'If-Match': '*',
    });
    assert.deepEqual([again.status, again.body.code], [409, 'TRANSITION_REFUSED']);
    const both = await api.refused(
      'PUT',
      `/api/v1/sites/${shop.site}`,
      { status: 'retired', mode: 'development' },
      { 'If-Match': '*' },
    );
    assert.equal(both.body.code, 'STATUS_NOT_ALONE');
  });

  describe('again, under the same Idempotency-Key,', () => {
    it('is done once, and answered the same to all of fifty at once', async () => {
      const body = { slug: 'once', name: 'Once' };
      const answers = await Promise.all(
        Array.from({ length: 50 }, () => api.call('POST', ENTERPRISES, body, { 'Idempotency-Key': 'order-1' })),
      );
      const done = answers.filter(({ status }) => status === 201);
      assert.ok(done.length > 0);
      assert.equal(new Set(done.map((it) => JSON.stringify(it.body))).size, 1);
      // The others came while the first was at work, and are told to ask again.
      for (const other of answers) assert.ok([201, 409].includes(other.status), String(other.status));
      const again = await api.ok('POST', ENTERPRISES, body, { 'Idempotency-Key': 'order-1' });
      assert.deepEqual(again.body, done[0]?.body);
      assert.equal(again.headers.get('etag'), '"1"');
    });

    it('keeps its answer in the transaction of every endpoint that says so', async () => {
      const bodies: Record<string, object> = {
        '/api/v1/products': { code: 'kept', name: 'K', catalog: CATALOG },
        '/api/v1/plans': {
          code: 'kept',
          name: 'K',
          months: 1,
          requestsPerMonth: 1,
          terms: { ...TERMS, features: ['globex'] },
        },
        '/api/v1/enterprises': { slug: 'kept', name: 'K' },
        '/api/v1/contracts': {
          enterprise: shop.enterprise,
          number: 'K',
          plan: shop.plan,
          term: { firstDay: '2026-01-01', timeZone: 'UTC' },
        },
        '/api/v1/sites/create': { contract: shop.contract, name: 'kept', mode: 'development' },
        '/api/v1/trust-rules': {
          name: 'kept',
          contract: shop.contract,
          mode: 'development',
          issuer: 'https://builds.example',
          audience: 'licet',
          conditions: { repository_id: ['75'] },
          siteClaim: 'repository_id',
        },
        '/api/v1/renewal-incidents': { enterprise: shop.enterprise, explanation: 'A drill.', hours: 1 },
        '/api/v1/mail-recipients': { name: 'kept', address: 'kept@example.com', events: ['alert.opened'] },
      };
      for (const { path } of ENDPOINTS.filter((it) => it.repeats?.({}) === 'in-transaction')) {
        assert.ok(bodies[path] !== undefined, `no body for ${path}: enter one`);
        const first = await api.ok('POST', path, bodies[path], { 'Idempotency-Key': `kept ${path}`.replace(' ', '-') });
        const again = await api.ok('POST', path, bodies[path], { 'Idempotency-Key': `kept ${path}`.replace(' ', '-') });
        assert.deepEqual(again.body, first.body, path);
      }
    });

    it('keeps a token that it shows as no reader of the database can use it', async () => {
      const site = { contract: shop.contract, name: 'sealed', mode: 'development' };
      const headers = { 'Idempotency-Key': 'order-4' };
      const first = await api.ok('POST', '/api/v1/sites/create', site, headers);
      const { token } = (first.body as { enrolment: { token: string } }).enrolment;
      const legible = (text: string) =>
        world.database.run('platform', (tx) =>
          sql(tx).query(`select 1 from idempotency_keys where position($1::bytea in body) > 0`, [Buffer.from(text)]),
        );
      const repeated = async () => (await api.ok('POST', '/api/v1/sites/create', site, headers)).body;
      assert.deepEqual(await legible(token), []);
      assert.deepEqual(await repeated(), first.body);
      // As it was kept by the version before.
      await world.database.run('platform', (tx) =>
        sql(tx).query('update idempotency_keys set body = $1 where key = $2', [
          Buffer.from(JSON.stringify(first.body)),
          'order-4',
        ]),
      );
      assert.deepEqual(await repeated(), first.body);
    });

    it('is refused where it would do nothing', async () => {
      for (const it of ENDPOINTS.filter((one) => one.method === 'POST' && one.repeats === undefined)) {
        const path = it.path.replaceAll(/:\w+/g, '00000000-0000-7000-8000-000000000000');
        const headers = { 'Idempotency-Key': 'order-3', 'If-Match': '*' };
        const { status, body } = await api.refused(it.method, path, it.body && it.example.body, headers);
        assert.deepEqual([status, body.code], [400, 'IDEMPOTENCY_KEY_REFUSED'], `${it.method} ${path}`);
      }
    });

    it('is refused for another request', async () => {
      const { status, body } = await api.refused(
        'POST',
        ENTERPRISES,
        { slug: 'twice', name: 'T' },
        { 'Idempotency-Key': 'order-1' },
      );
      assert.deepEqual([status, body.code], [409, 'IDEMPOTENCY_KEY_REUSED']);
    });

    it('may be tried again after a refusal', async () => {
      const headers = { 'Idempotency-Key': 'order-2' };
      await api.refused('POST', ENTERPRISES, { slug: 'once', name: 'Taken' }, headers);
      await api.ok('POST', ENTERPRISES, { slug: 'free', name: 'Free' }, headers);
    });
  });

  it('is imported line by line, and not at all in a dry run', async () => {
    const text = 'slug,name\r\nbulk-1,Bulk 1\r\nNOT A SLUG,Bulk 2\r\n';
    const rows = { kind: 'enterprise', format: 'csv', text };
    const count = async (): Promise<number> =>
      ((await api.ok('GET', `${ENTERPRISES}?slug=bulk-1`)).body as { items: unknown[] }).items.length;
    for (const [dryRun, there] of [
      [true, 0],
      [false, 1],
    ] as const) {
      const { body } = await api.ok('POST', '/api/v1/import', { ...rows, dryRun });
      const [first, one, two, last] = linesOf(body) as Record<string, unknown>[];
      assert.deepEqual([first, last], [{ total: 2 }, { created: 1, refused: 1 }]);
      assert.deepEqual([one?.['outcome'], two?.['outcome'], two?.['line']], ['created', 'refused', 3]);
      assert.equal(await count(), there);
    }
    assert.equal((await api.refused('POST', '/api/v1/import', { ...rows, text: 'a,"b' })).body.code, 'CSV_INVALID');
  });

  it('comes out again as it went in, and a spreadsheet runs nothing of it', async () => {
    await api.ok('POST', ENTERPRISES, { slug: 'formula', name: '=HYPERLINK("http://evil.example")' });
    const csv = String((await api.ok('GET', '/api/v1/export?kind=enterprise')).body);
    assert.match(csv, /^slug,name,status/);
    assert.match(csv, /formula,"'=HYPERLINK\(""http:\/\/evil\.example""\)",active\r\n/);
    const { body, headers } = await api.ok('GET', '/api/v1/export?kind=enterprise&format=jsonl');
    assert.match(headers.get('content-disposition') ?? '', /enterprise\.jsonl/);
    const again = await api.ok('POST', '/api/v1/import', { kind: 'enterprise', format: 'csv', text: `\uFEFF${csv}` });
    const lines = linesOf(again.body) as { code?: string }[];
    assert.deepEqual(new Set(lines.slice(1, -1).map(({ code }) => code)), new Set(['ENTERPRISE_EXISTS']));
    assert.equal(lines.length - 2, linesOf(body).length);
  });

  it('is sorted by every field that a list declares, both ways, page by page', async () => {
    for (const { path, query } of ENDPOINTS.filter((it) => it.method === 'GET' && it.query?.shape['order'])) {
      for (const order of ordersOf(query!)) {
        const all = ((await api.ok('GET', `${path}?limit=200&order=${order}`)).body as Page).items;
        const paged: object[] = [];
        let next: string | undefined = `${path}?limit=2&order=${order}`;
        while (next !== undefined) {
          const page = (await api.ok('GET', next)).body as Page;
          paged.push(...page.items);
          next = page.next && `${path}?limit=2&order=${order}&after=${encodeURIComponent(page.next)}`;
        }
        assert.deepEqual(paged.length, new Set(paged.map((it) => JSON.stringify(it))).size, `${path} ${order}`);
        assert.deepEqual(paged.slice(0, all.length), all.slice(0, paged.length), `${path} ${order}`);
        if (['oldest', 'newest'].includes(order)) continue;
        const field = order.replace('-', '') as keyof object;
        const values = all.map((it) => String(it[field]));
        const sorted = await collated(world, values, order.startsWith('-'));
        assert.deepEqual(values, sorted, `${path} ${order}`);
      }
    }
    const { next } = (await api.ok('GET', `${ENTERPRISES}?limit=1&order=name`)).body as Page;
    const other = await api.refused('GET', `${ENTERPRISES}?limit=1&order=slug&after=${next}`);
    assert.equal(other.body.code, 'CURSOR_INVALID');
  });

  it('is refused at every enum with an unknown value, in queries and bodies', async () => {
    for (const endpoint of ENDPOINTS.filter(({ action }) => !isOpen(action))) {
      const path = endpoint.path.replaceAll(/:\w+/g, shop.site);
      for (const [name, schema] of Object.entries(endpoint.query?.shape ?? {})) {
        if (!JSON.stringify(z.toJSONSchema(schema as z.ZodType, LOOSE)).includes('"enum"')) continue;
        const { status, body } = await api.refused(endpoint.method, `${path}?${name}=purple`);
        assert.deepEqual([status, body.code], [400, 'INPUT_INVALID'], `${path}?${name}`);
      }
      for (const broken of brokenEnums(endpoint)) {
        const { status, body } = await api.refused(endpoint.method, path, broken, { 'If-Match': '*' });
        assert.deepEqual([status, body.code], [400, 'INPUT_INVALID'], `${path} ${JSON.stringify(broken)}`);
      }
    }
  });

  it('is refused at every list that needs an entry and has none, and never a defect where it needs none', async () => {
    for (const endpoint of ENDPOINTS.filter(({ action, body }) => body !== undefined && !isOpen(action))) {
      const path = endpoint.path.replaceAll(/:\w+/g, MISSING);
      for (const emptied of emptiedLists(endpoint)) {
        const isFine = endpoint.body!.safeParse(emptied).success;
        const { status } = await api.call(endpoint.method, path, emptied, { 'If-Match': '*' });
        assert.ok(isFine ? status < 500 : status === 400, `${path} ${status} ${JSON.stringify(emptied)}`);
      }
    }
  });

  it('is paged without repetition or gap, while others add', async () => {
    for (let i = 0; i < 7; i++) await api.ok('POST', ENTERPRISES, { slug: `page-${i}`, name: `Page ${i}` });
    const seen: string[] = [];
    let path: string | undefined = `${ENTERPRISES}?limit=3`;
    for (let pages = 0; path !== undefined && pages < 50; pages++) {
      const answer = await api.ok('GET', path);
      const page = answer.body as { items: { id: string }[]; next?: string };
      seen.push(...page.items.map(({ id }) => id));
      const link = /^<(.+)>; rel="next"$/.exec(answer.headers.get('link') ?? '')?.[1];
      assert.equal(new URL(link ?? '/', world.url).searchParams.get('after'), page.next ?? null);
      path = link;
      if (pages === 0) await api.ok('POST', ENTERPRISES, { slug: 'meanwhile', name: 'Meanwhile' });
    }
    assert.equal(new Set(seen).size, seen.length);
    const all = (await api.ok('GET', `${ENTERPRISES}?limit=200`)).body as { items: { id: string }[] };
    assert.deepEqual(
      seen,
      all.items.map(({ id }) => id),
    );
    const newest = (await api.ok('GET', `${ENTERPRISES}?limit=200&order=newest`)).body as { items: { id: string }[] };
    assert.deepEqual(newest.items, all.items.toReversed());
  });
});

type Page = { readonly items: object[]; readonly next?: string };

const MISSING = '00000000-0000-7000-8000-000000000000';
const LOOSE = { unrepresentable: 'any', io: 'input' } as const;

const linesOf = (text: unknown): unknown[] =>
  String(text)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);

const ordersOf = (query: z.ZodObject): string[] =>
  (z.toJSONSchema(query.shape['order'] as z.ZodType, LOOSE) as { enum: string[] }).enum;

/** As the database sorts text. */
const collated = (world: World, values: readonly string[], isBackwards: boolean): Promise<string[]> =>
  world.database.run('platform', async (tx) => {
    const rows = await sql(tx).query<{ value: string }>(
      `select value from unnest($1::text[]) value order by value ${isBackwards ? 'desc' : 'asc'}`,
      [values],
    );
    return rows.map(({ value }) => value);
  });

type Json = { type?: string; enum?: unknown[]; properties?: Record<string, Json>; anyOf?: Json[] };

/** The example of a body, once for each place in which an enum stands, with a value there that no enum has. */
function brokenEnums({ body, example }: Endpoint): unknown[] {
  if (body === undefined || typeof example.body !== 'object') return [];
  return placesIn(z.toJSONSchema(body, LOOSE) as Json, example.body as object, (it) => it.enum !== undefined).map(
    (set) => set('purple'),
  );
}

/** The same for each list. */
function emptiedLists({ body, example }: Endpoint): unknown[] {
  if (body === undefined || typeof example.body !== 'object') return [];
  return placesIn(z.toJSONSchema(body, LOOSE) as Json, example.body as object, (it) => it.type === 'array').map((set) =>
    set([]),
  );
}

/** Ways to put another value in each place of which the schema is as wanted. */
function placesIn(schema: Json, value: object, isWanted: (it: Json) => boolean): ((put: unknown) => object)[] {
  const forms = schema.anyOf ?? [schema];
  return forms.flatMap(({ properties = {} }) =>
    Object.entries(properties).flatMap(([name, it]) => {
      const inner = (value as Record<string, unknown>)[name];
      const here = isWanted(it) ? [(put: unknown) => ({ ...value, [name]: put })] : [];
      if (it.type !== 'object' || typeof inner !== 'object' || inner === null) return here;
      const below = placesIn(it, inner, isWanted);
      return [...here, ...below.map((set) => (put: unknown) => ({ ...value, [name]: set(put) }))];
    }),
  );
}

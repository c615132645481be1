import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { requireTool } from '@licet/checks';
import { verifyWebhook } from '@licet/verify/webhook';
import { Webhook as Verifier } from 'standardwebhooks';
import { createEnterprise } from '../../licensing/enterprises/enterprises.ts';
import { reportAlert } from '../../licensing/alerts/alerts.ts';
import { discardDelivery, replayDeadLetters, replayDelivery } from '../../licensing/notices/dead-letters.ts';
import { LONGEST_PAUSES } from '../../licensing/notices/schedule.ts';
import {
  changeWebhook,
  createWebhook,
  disableWebhook,
  enableWebhook,
  removeWebhook,
  rotateWebhookSecret,
  testWebhook,
} from '../../licensing/notices/webhooks.ts';
import { hasCode, OWNER, START } from '../../licensing/test/office.ts';
import { sql } from '../../persistence/database.ts';
import { testDatabase, type TestDatabase } from '../../persistence/test/test-database.ts';
import { createWebhookSender } from '../../notices/webhook-sender.ts';
import { localCertificate } from '../identity/issuer.ts';
import { PostOffice } from './post-office.ts';
import { openReceiver, type Received, type Receiver } from './receiver.ts';

describe('Webhooks', () => {
  let database: TestDatabase;
  let office: PostOffice;
  let receiver: Receiver;
  let number = 0;
  before(async function () {
    database = await testDatabase(this);
    office = new PostOffice(database);
    await office.open();
    office.start();
  });
  after(async () => {
    await office?.stop();
    await database?.close();
  });
  beforeEach(async () => {
    receiver = await openReceiver();
  });
  afterEach(async () => {
    await receiver.close();
    // What one test leaves behind must not reach the next.
    await database.run('platform', (tx) => sql(tx).query('delete from webhooks'));
  });

  const hook = (more: object = {}) =>
    createWebhook(office.notices)(OWNER, { name: 'Back office', url: receiver.url, events: ['enterprise.*'], ...more });
  const happens = () => createEnterprise(office.deps)(OWNER, { slug: `umbrella-${(number += 1)}`, name: 'Umbrella' });
  const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
    for (let waited = 0; !(await condition()); waited += 5) {
      if (waited > 5000) assert.fail(`it did not happen in time: ${office.log.join('')}`);
      await pause(5);
    }
  };
  const got = async (count: number): Promise<readonly Received[]> => {
    await until(() => receiver.received.length >= count);
    return receiver.received;
  };
  const verified = (secret: string, { body, headers }: Received): unknown =>
    new Verifier(secret).verify(body, headers as Record<string, string>);
  const status = async (id: string) => (await office.deliveries(id)).map((one) => one.status);

  it('are sent what they hear, once, so that the published library accepts it', async () => {
    const { secret } = await hook();
    const { id } = await happens();
    const [one] = await got(1);
    const message = verified(secret, one!) as { type: string; organization: string; data: { subject: string } };
    assert.deepEqual(
      [message.type, message.organization, message.data.subject],
      ['enterprise.created', 'acme', `enterprise:${id}`],
    );
    const event = await verifyWebhook(one!, { secrets: [secret], at: new Date() });
    assert.deepEqual([event.id, event.type, event.at], [one!.headers['webhook-id'], message.type, START]);
    await pause(50);
    assert.equal(receiver.received.length, 1);
  });

  it('hear by type, by kind of type, by kind of alert and by enterprise, and nothing else', async () => {
    const { id: enterprise } = await happens();
    await hook({ events: ['enterprise.closed', 'alert.opened'], alertKinds: ['license-suspicious'] });
    await hook({ events: ['*'], enterprise });
    await happens();
    const report = (kind: 'license-invalid' | 'license-suspicious') =>
      reportAlert(office.deps)(OWNER, { kind, serial: `ab${(number += 1)}0`.slice(0, 4), codes: ['REVOKED'] });
    await report('license-invalid');
    await report('license-suspicious');
    const all = await got(1);
    await pause(50);
    assert.deepEqual(
      all.map(({ body }) => (JSON.parse(body) as { data: { kind: string } }).data.kind),
      ['license-suspicious'],
    );
  });

  it('get nothing of a transaction that failed', async () => {
    await hook();
    const { slug } = await happens();
    await got(1);
    await assert.rejects(createEnterprise(office.deps)(OWNER, { slug, name: 'Twice' }), hasCode('ENTERPRISE_EXISTS'));
    await pause(50);
    assert.equal(receiver.received.length, 1);
  });

  it('get it again under the same id, with the same body and a new signature, until they have taken it', async () => {
    const { webhook, secret } = await hook();
    receiver.answers = [{ status: 500 }, { status: 200 }];
    await happens();
    await got(1);
    await until(async () => (await office.deliveries(webhook.id))[0]?.answer === 500);
    await office.hurry(webhook.id);
    const [first, second] = await got(2);
    assert.equal(first!.headers['webhook-id'], second!.headers['webhook-id']);
    assert.equal(first!.body, second!.body);
    verified(secret, second!);
    await until(async () => (await status(webhook.id))[0] === 'delivered');
  });

  it('wait as long as they ask for, and no longer than a pause may be', async () => {
    const { webhook } = await hook();
    receiver.answers = [{ status: 429, headers: { 'Retry-After': '7200' } }];
    await happens();
    await until(async () => (await office.deliveries(webhook.id))[0]?.answer === 429);
    const [one] = await office.deliveries(webhook.id);
    const wait = (one!.dueAt.getTime() - Date.now()) / 1000;
    assert.ok(wait > 7190 && wait <= 7200, `${wait}`);
  });

  it('are never followed to another address', async () => {
    const { webhook } = await hook();
    const other = await openReceiver();
    receiver.answers = [{ status: 307, headers: { Location: other.url } }];
    await happens();
    await until(async () => (await office.deliveries(webhook.id))[0]?.answer === 307);
    assert.equal(other.received.length, 0);
    await other.close();
  });

  it('that do not answer in time, or talk without end, hold up nothing', async () => {
    const { webhook } = await hook();
    receiver.answers = [{ status: 0, hangs: true }];
    await happens();
    await until(async () => (await office.deliveries(webhook.id))[0]?.error !== undefined);
    assert.match((await office.deliveries(webhook.id))[0]!.error!, /no answer within 500 ms/);
    receiver.answers = [{ status: 200, body: 'x'.repeat(1024 * 1024) }];
    await office.hurry(webhook.id);
    await until(async () => (await status(webhook.id))[0] === 'delivered');
  });

  it('are disabled when they say that they are gone, with an alert, and what waited is kept', async () => {
    const { webhook } = await hook();
    receiver.answers = [{ status: 500 }];
    await happens();
    await until(async () => (await office.deliveries(webhook.id))[0]?.answer === 500);
    receiver.answers = [{ status: 410 }];
    await happens();
    await until(async () => (await status(webhook.id)).every((one) => one === 'dead'));
    const disabled = await database.run('platform', (tx) => office.deps.stores.webhooks.get(tx, webhook.id));
    assert.deepEqual([disabled?.status, disabled?.disabledBecause], ['disabled', 'gone']);
    const alerts = await database.run('platform', (tx) =>
      sql(tx).query('select status from alerts where key = $1', [`webhook:${webhook.id}`]),
    );
    assert.deepEqual(alerts, [{ status: 'open' }]);
    await assert.rejects(replayDeadLetters(office.deps)(OWNER, { id: webhook.id }), hasCode('WEBHOOK_DISABLED'));
    receiver.answers = [{ status: 200 }];
    await enableWebhook(office.notices)(OWNER, { id: webhook.id });
    assert.deepEqual(await replayDeadLetters(office.deps)(OWNER, { id: webhook.id }), { replayed: 2 });
    await until(async () => (await status(webhook.id)).every((one) => one === 'delivered'));
    const after = await database.run('platform', (tx) =>
      sql(tx).query('select status from alerts where key = $1', [`webhook:${webhook.id}`]),
    );
    assert.deepEqual(after, [{ status: 'resolved' }]);
  });

  it('are given up letter by letter, and disabled when nothing got through for days', async () => {
    const { webhook } = await hook();
    receiver.answers = [{ status: 503 }];
    const exhausted = async (): Promise<void> => {
      await happens();
      await until(async () => (await office.deliveries(webhook.id, 'waiting'))[0]?.answer === 503);
      await database.run('platform', (tx) =>
        sql(tx).query(`update deliveries set attempts = $2 where receiver = $1 and status = 'waiting'`, [
          webhook.id,
          LONGEST_PAUSES.length,
        ]),
      );
      await office.hurry(webhook.id);
      await until(async () => (await office.deliveries(webhook.id, 'waiting')).length === 0);
    };
    const now = () => database.run('platform', (tx) => office.deps.stores.webhooks.get(tx, webhook.id));
    await exhausted();
    assert.equal((await now())?.status, 'active');
    assert.ok((await now())?.failingSince);
    await office.age(webhook.id, 2);
    await exhausted();
    assert.deepEqual([(await now())?.status, (await now())?.disabledBecause], ['disabled', 'failing']);
    assert.deepEqual(await status(webhook.id), ['dead', 'dead']);
  });

  it('have dead letters that are replayed one by one, since a time, or thrown away', async () => {
    const { webhook } = await hook();
    receiver.answers = [{ status: 500 }];
    await happens();
    await happens();
    await until(async () => (await office.deliveries(webhook.id)).filter(({ answer }) => answer === 500).length === 2);
    await disableWebhook(office.notices)(OWNER, { id: webhook.id });
    await enableWebhook(office.notices)(OWNER, { id: webhook.id });
    const [one, other] = await office.deliveries(webhook.id, 'dead');
    const at = { id: webhook.id, delivery: one!.id };
    receiver.answers = [{ status: 200 }];
    await replayDelivery(office.deps)(OWNER, at);
    await until(async () => (await office.deliveries(webhook.id, 'delivered')).length === 1);
    assert.equal((await office.deliveries(webhook.id, 'delivered'))[0]?.attempts, 1);
    await replayDelivery(office.deps)(OWNER, at);
    await until(async () => receiver.received.filter((it) => it.headers['webhook-id'] === one!.event).length === 3);
    await assert.rejects(discardDelivery(office.deps)(OWNER, at), hasCode('DELIVERY_NOT_FOUND'));
    const later = new Date(START.getTime() + 1).toISOString();
    assert.deepEqual(await replayDeadLetters(office.deps)(OWNER, { id: webhook.id, since: later }), { replayed: 0 });
    await discardDelivery(office.deps)(OWNER, { id: webhook.id, delivery: other!.id });
    assert.equal((await office.deliveries(webhook.id, 'dead')).length, 0);
  });

  it('are signed with both secrets while one takes the place of the other, and with one after that', async () => {
    const first = await hook();
    const { id } = first.webhook;
    const second = await rotateWebhookSecret(office.notices)(OWNER, { id, hours: 1 });
    await happens();
    const [both] = await got(1);
    assert.equal(String(both!.headers['webhook-signature']).match(/\bv1,/g)?.length, 2);
    const old = first.webhook.secrets[0]!.publicKey;
    const keys = [old, second.webhook.secrets[0]!.publicKey];
    for (const publicKey of keys) await verifyWebhook(both!, { publicKeys: [publicKey], at: new Date() });
    verified(first.secret, both!);
    verified(second.secret, both!);
    const third = await rotateWebhookSecret(office.notices)(OWNER, { id, hours: 0 });
    await happens();
    const alone = (await got(2))[1]!;
    verified(third.secret, alone);
    assert.throws(() => verified(second.secret, alone));
    for (const publicKey of keys) {
      await assert.rejects(verifyWebhook(alone, { publicKeys: [publicKey], at: new Date() }), /None of the keys/);
    }
  });

  it('keep their secrets sealed', async () => {
    const { webhook, secret } = await hook();
    const [row] = await database.run('platform', (tx) =>
      sql(tx).query<{ text: string }>('select row_to_json(w)::text as text from webhooks w where id = $1', [
        webhook.id,
      ]),
    );
    assert.ok(!row!.text.includes(secret.slice('whsec_'.length)));
    assert.ok(!JSON.stringify(office.log).includes(secret));
  });

  it('are sent to once, however many processes send', async () => {
    const { webhook } = await hook();
    const others = [new PostOffice(database), new PostOffice(database)];
    for (const other of others) other.start();
    for (let n = 0; n < 30; n++) await happens();
    await until(async () => (await status(webhook.id)).filter((one) => one === 'delivered').length === 30);
    await Promise.all(others.map((other) => other.stop()));
    const ids = receiver.received.map(({ headers }) => headers['webhook-id']);
    assert.deepEqual([ids.length, new Set(ids).size], [30, 30]);
    assert.ok(others.some(({ results }) => results.length > 0));
  });

  it('whose secret does not open any more fail as others do', async () => {
    const { webhook } = await hook();
    await database.run('platform', (tx) =>
      sql(tx).query(`update webhooks set secrets = '[{"sealed":"v1.AAAA"}]' where id = $1`, [webhook.id]),
    );
    await happens();
    await until(async () => /could not be made/.test((await office.deliveries(webhook.id))[0]?.error ?? ''));
    assert.equal(receiver.received.length, 0);
  });

  it('are tested without an event, also when they are disabled', async () => {
    const { webhook, secret } = await hook();
    await disableWebhook(office.notices)(OWNER, { id: webhook.id });
    assert.deepEqual(await testWebhook(office.notices)(OWNER, { id: webhook.id }), {
      result: 'delivered',
      answer: 204,
    });
    const message = verified(secret, receiver.received[0]!) as { type: string };
    assert.equal(message.type, 'webhook.test');
    receiver.answers = [{ status: 404 }];
    const outcome = await testWebhook(office.notices)(OWNER, { id: webhook.id });
    assert.deepEqual([outcome.result, outcome.answer], ['failed', 404]);
    assert.deepEqual(await office.deliveries(webhook.id), []);
  });

  it('are changed and removed, and are nobody else’s', async () => {
    const { webhook } = await hook();
    const changed = await changeWebhook(office.notices)(OWNER, { id: webhook.id, name: 'Other', version: 1 });
    assert.deepEqual([changed.name, changed.url, changed.version], ['Other', webhook.url, 2]);
    const stale = changeWebhook(office.notices)(OWNER, { id: webhook.id, name: 'Third', version: 1 });
    await assert.rejects(stale, hasCode('VERSION_STALE'));
    const foreign = { ...OWNER, organization: 'initech' };
    await assert.rejects(removeWebhook(office.notices)(foreign, { id: webhook.id }), hasCode('WEBHOOK_NOT_FOUND'));
    const bound = { ...OWNER, enterprise: webhook.id };
    await assert.rejects(removeWebhook(office.notices)(bound, { id: webhook.id }), hasCode('ORGANIZATION_ONLY'));
    await removeWebhook(office.notices)(OWNER, { id: webhook.id });
    await assert.rejects(removeWebhook(office.notices)(OWNER, { id: webhook.id }), hasCode('WEBHOOK_NOT_FOUND'));
  });

  for (const [url, why] of [
    ['http://example.com/hooks', /must begin with https/],
    ['ftp://example.com', /must begin with https/],
    ['https://user:secret@example.com', /password/],
    ['https://example.com/#here', /fragment/],
    ['https://169.254.169.254/latest/meta-data', /no public address/],
    ['https://[::1]/', /no public address/],
    ['https://[::ffff:10.0.0.1]/', /no public address/],
    ['https://0xa.1/', /no public address/],
    ['https://10.0.0.1/', /no public address/],
    ['nowhere', /no address/],
  ] as const) {
    it(`are refused: ${url}`, async () => {
      await assert.rejects(hook({ url }), (error: Error) => {
        assert.match(error.message, why);
        return hasCode('WEBHOOK_ADDRESS')(error);
      });
    });
  }

  it('whose name leads to a private address are not connected to', async () => {
    // What the check of the address cannot see: it is a name until somebody looks it up.
    const { webhook } = await hook({ url: `https://localhost:${new URL(receiver.url).port}/` });
    const outcome = await testWebhook(office.notices)(OWNER, { id: webhook.id });
    assert.match((outcome as { error: string }).error, /leads to an address that is not public\.$/);
  });

  it('are sent over TLS to who is vouched for, and to nobody else', async function () {
    requireTool(this, 'openssl');
    const files = localCertificate();
    const secured = await openReceiver(files);
    const message = { url: secured.url, id: 'x', body: '{}', secrets: [] };
    const send = (more: object) =>
      createWebhookSender({
        clock: office.notices.clock,
        privateHosts: ['localhost'],
        timeoutMs: 2000,
        userAgent: 'Licet/0',
        ...more,
      }).send(message);
    assert.equal((await send({ ca: files.cert })).result, 'delivered');
    assert.match(((await send({})) as { error: string }).error, /self-signed certificate/);
    assert.match(((await send({ ca: localCertificate().cert })) as { error: string }).error, /self-signed certificate/);
    assert.equal(secured.received.length, 1);
    await secured.close();
  });

  it('refuse events that there are not', async () => {
    await assert.rejects(hook({ events: ['license.sold'] }), hasCode('INPUT_INVALID'));
    await assert.rejects(hook({ events: [] }), hasCode('INPUT_INVALID'));
    await assert.rejects(hook({ alertKinds: ['boredom'] }), hasCode('INPUT_INVALID'));
    await assert.rejects(hook({ enterprise: '019a9b5e-4c00-7d3a-8f21-5b6c7d8e9f00' }), hasCode('ENTERPRISE_NOT_FOUND'));
  });
});

import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { requireTool } from '@licet/checks';
import { createSealer } from '../../licensing/access/seal.ts';
import { inviteAgain, invitePerson } from '../../licensing/access/people.ts';
import { acknowledgeAlert, reportAlert, resolveAlert } from '../../licensing/alerts/alerts.ts';
import {
  changeMailRecipient,
  createMailRecipient,
  removeMailRecipient,
  testMailRecipient,
} from '../../licensing/notices/mail-recipients.ts';
import { tellEndingContracts, tellExpiring } from '../../licensing/notices/notices.ts';
import { sendInvitation } from '../../licensing/notices/send-mail.ts';
import type { Transaction } from '../../licensing/ports/transactions.ts';
import { hasCode, OWNER, START } from '../../licensing/test/office.ts';
import { accessStores } from '../../persistence/access/index.ts';
import { sql } from '../../persistence/database.ts';
import { deliveries } from '../../persistence/licensing/deliveries.ts';
import { testDatabase, type TestDatabase } from '../../persistence/test/test-database.ts';
import { createMailer } from '../../notices/mailer.ts';
import { type Got, type MailServer, openMailServer } from './mail-server.ts';
import { PostOffice } from './post-office.ts';

const FROM = 'licet@acme.example';

describe('Mail', () => {
  let database: TestDatabase;
  let office: PostOffice;
  let server: MailServer;
  before(async function () {
    requireTool(this, 'openssl');
    database = await testDatabase(this);
    server = await openMailServer();
    const { port, ca } = server;
    const mailer = createMailer({ host: 'localhost', port, ca, security: 'starttls', from: FROM });
    office = new PostOffice(database, { mailer });
    await office.open();
    office.start();
  });
  after(async () => {
    await office?.stop();
    await server?.close();
    await database?.close();
  });
  beforeEach(() => {
    server.got.length = 0;
    office.clock.set(START);
  });
  afterEach(() => database.run('platform', (tx) => sql(tx).query('delete from mail_recipients')));

  const recipient = (more: object = {}) =>
    createMailRecipient(office.notices)(OWNER, {
      name: 'Desk',
      address: 'desk@acme.example',
      events: ['alert.opened', 'alert.resolved'],
      ...more,
    });
  const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
    for (let waited = 0; !(await condition()); waited += 5) {
      if (waited > 5000) assert.fail(`it did not happen in time: ${office.log.join('')}`);
      await pause(5);
    }
  };
  /** The mails that are due, without the half minute in which they gather. */
  const mails = async (count: number, ...receivers: readonly string[]): Promise<readonly Got[]> => {
    for (const receiver of receivers) await office.hurry(receiver);
    await until(() => server.got.length >= count);
    return server.got;
  };
  const suspicious = (serial: string) =>
    reportAlert(office.deps)(OWNER, { kind: 'license-suspicious', serial, codes: ['BINDING_MISMATCH'] });

  it('of an alert says what it is and what to do, over TLS, as what a program sends', async () => {
    const { id } = await recipient();
    const alert = await suspicious('ab01');
    const [mail] = await mails(1, id);
    assert.deepEqual([mail!.from, mail!.to, mail!.isSecure], [FROM, ['desk@acme.example'], true]);
    assert.equal(mail!.headers['subject'], `[acme] Alert: license suspicious (${alert.id})`);
    assert.equal(mail!.headers['auto-submitted'], 'auto-generated');
    assert.match(mail!.text, /licet alert acknowledge ID/);
    await until(async () => (await office.deliveries(id))[0]?.status === 'delivered');
    assert.equal((await office.deliveries(id))[0]?.answer, 250);
  });

  it('waits for what else there is to tell, and tells it together, with the names of things', async () => {
    const { contract } = await office.customer();
    const { site, license } = await office.site(contract);
    const { id } = await recipient({ events: ['license.expiring', 'contract.ending'] });
    office.clock.set(
      new Date(license.notBefore.getTime() + 0.8 * (license.notAfter.getTime() - license.notBefore.getTime())),
    );
    while ((await tellExpiring(office.deps)) > 0);
    office.clock.set(new Date(contract.endsAt.getTime() - 6 * 86_400_000));
    while ((await tellEndingContracts(office.deps)) > 0);
    await pause(50);
    assert.equal(server.got.length, 0);
    const [mail] = await mails(1, id);
    assert.equal(mail!.headers['subject'], '[acme] 2 notices');
    const day = license.notAfter.toISOString().slice(0, 10);
    assert.ok(mail!.text.includes(`* The license of ${site.name} of Globex expires on ${day}\n`), mail!.text);
    assert.ok(
      mail!.text.includes(`* Contract ${contract.number} of Globex ends at 2027-12-31 23:00 UTC\n`),
      mail!.text,
    );
    await pause(50);
    assert.equal(server.got.length, 1);
  });

  it('goes to each kind of alert’s own recipient, and tells of it once, however often it happens', async () => {
    const all = await recipient();
    const clones = await recipient({ address: 'clones@acme.example', alertKinds: ['clone-suspected'] });
    const alert = await suspicious('ab02');
    await suspicious('ab02');
    await acknowledgeAlert(office.deps)(OWNER, { id: alert.id });
    await suspicious('ab02');
    await mails(1, all.id, clones.id);
    await resolveAlert(office.deps)(OWNER, { id: alert.id });
    const got = await mails(2, all.id, clones.id);
    assert.deepEqual(
      got.map(({ to, headers }) => [to[0], headers['subject']]),
      [
        ['desk@acme.example', `[acme] Alert: license suspicious (${alert.id})`],
        ['desk@acme.example', `[acme] Resolved: license suspicious (${alert.id})`],
      ],
    );
  });

  it('that is refused for now is tried again, and for good is not', async () => {
    const { id } = await recipient();
    server.refused.set('desk@acme.example', 451);
    await suspicious('ab03');
    await office.hurry(id);
    await until(async () => (await office.deliveries(id))[0]?.answer === 451);
    assert.equal((await office.deliveries(id))[0]?.status, 'waiting');
    server.refused.set('desk@acme.example', 550);
    await office.hurry(id);
    await until(async () => (await office.deliveries(id))[0]?.status === 'dead');
    // What a mail server says names people, and a log is no place for that.
    assert.ok(!office.log.join('').includes('desk@acme.example'));
    server.refused.clear();
  });

  it('is tested, and is nobody’s any more once it was removed', async () => {
    const { id } = await recipient();
    assert.deepEqual(await testMailRecipient(office.notices)(OWNER, { id }), { result: 'delivered', answer: 250 });
    assert.match(server.got[0]!.text, /This is a test/);
    await suspicious('ab04');
    await removeMailRecipient(office.notices)(OWNER, { id });
    assert.deepEqual(await office.deliveries(id), []);
    await assert.rejects(testMailRecipient(office.notices)(OWNER, { id }), hasCode('MAIL_RECIPIENT_NOT_FOUND'));
  });

  it('is not sent to who is disabled, and is refused where there is no mail server', async () => {
    const { id } = await recipient();
    await changeMailRecipient(office.notices)(OWNER, { id, status: 'disabled' });
    await suspicious('ab05');
    assert.deepEqual(await office.deliveries(id), []);
    const off = { ...office.notices, mailer: undefined };
    const another = createMailRecipient(off)(OWNER, { name: 'X', address: 'x@acme.example', events: ['*'] });
    await assert.rejects(another, hasCode('MAIL_OFF'));
  });

  describe('of an invitation', () => {
    const sealer = createSealer(Buffer.alloc(32, 7), { bytes: (length) => new Uint8Array(length) });
    const invite = async (email: string, then?: (tx: Transaction, id: string) => Promise<unknown>) => {
      const { transactions, auditLog, outbox, clock, random } = office.deps;
      const common = { transactions, auditLog, outbox, clock, random, organizations: office.deps.stores.organizations };
      const deps = {
        ...common,
        stores: accessStores,
        sendInvitation: sendInvitation(common, sealer, deliveries),
      };
      const wanted = { email, name: 'Zoë ✓', roles: ['operator'] } as const;
      const made = await database.run({ organization: 'acme' }, async (tx) => {
        const invited = await invitePerson(deps, tx, OWNER, wanted);
        assert.ok(invited.outcome === 'done');
        await then?.(tx, invited.result.person.id);
        return invited;
      });
      return { ...made.result, deps };
    };

    it('has what is needed to accept it, and nobody else can read it in the database', async () => {
      const { invitation } = await invite('zoe@acme.example');
      const rows = await database.run('platform', (tx) =>
        sql(tx).query<{ text: string }>(
          'select row_to_json(d)::text as text from deliveries d where secret is not null',
        ),
      );
      assert.ok(rows.every(({ text }) => !text.includes(invitation)));
      const [mail] = await mails(1);
      assert.deepEqual(mail!.to, ['zoe@acme.example']);
      assert.match(mail!.text, /^Hello Zoë ✓,/);
      assert.ok(mail!.text.includes(`\n${invitation}\n`), mail!.text);
      assert.ok(mail!.text.includes('https://licet.example/api/v1/invitations/accept'));
    });

    it('is sent anew when the person is invited again', async () => {
      const { person, deps } = await invite('again@acme.example');
      await mails(1);
      await database.run({ organization: 'acme' }, (tx) => inviteAgain(deps, tx, OWNER, person.id));
      const got = await mails(2);
      assert.notEqual(got[0]!.text, got[1]!.text);
    });

    it('is not sent when the transaction failed', async () => {
      await invite('twice@acme.example');
      await mails(1);
      await assert.rejects(invite('twice@acme.example'), hasCode('PERSON_EXISTS'));
      await pause(50);
      assert.equal(server.got.length, 1);
    });

    it('is not sent to who is not invited any more', async () => {
      const { person } = await invite('gone@acme.example', (tx, id) =>
        sql(tx).query("update people set status = 'disabled' where id = $1", [id]),
      );
      await until(async () => (await office.deliveries(person.id))[0]?.status === 'dead');
      assert.equal(server.got.length, 0);
    });
  });

  for (const [what, mail] of [
    ['subject', { to: 'x@acme.example', subject: 'Hello\r\nBcc: all@acme.example', text: '' }],
    ['subject with a bare line feed', { to: 'x@acme.example', subject: 'Hello\nBcc: all@acme.example', text: '' }],
    ['address', { to: 'x@acme.example\r\nRCPT TO:<all@acme.example>', subject: 'Hello', text: '' }],
    ['subject with a line separator', { to: 'x@acme.example', subject: 'Hello\u2028Bcc: x', text: '' }],
  ] as const) {
    it(`is refused when its ${what} would begin another line`, async () => {
      const outcome = await office.notices.mailer!.send(mail);
      assert.ok(outcome.result === 'failed' && outcome.isFinal === true);
      assert.equal(server.got.length, 0);
    });
  }

  it('goes to the one address that was meant, whatever stands in it', async () => {
    const mailer = office.notices.mailer!;
    await mailer.send({ to: 'x@acme.example, all@acme.example', subject: 'Hello', text: 'Hello' });
    await mailer.send({ to: 'x@acme.example', subject: 'Hello', text: 'A line\n.\nQUIT\n' });
    assert.deepEqual(
      server.got.flatMap(({ to }) => to),
      ['x@acme.example'],
    );
    assert.match(server.got[0]!.text, /^A line\n\.\nQUIT/);
  });

  it('is never sent without TLS when that was asked for, or to who is not who it should be', async () => {
    const plain = await openMailServer({ disabledCommands: ['STARTTLS'] });
    const to = (more: object) =>
      createMailer({ host: 'localhost', port: plain.port, ca: plain.ca, security: 'starttls', from: FROM, ...more });
    const mail = { to: 'x@acme.example', subject: 'Hello', text: 'Hello' };
    assert.equal((await to({}).send(mail)).result, 'failed');
    assert.equal((await to({ port: server.port }).send(mail)).result, 'failed');
    assert.equal((await to({ port: server.port, ca: undefined }).send(mail)).result, 'failed');
    assert.deepEqual([plain.got.length, server.got.length], [0, 0]);
    assert.equal((await to({ security: 'none' }).send(mail)).result, 'delivered');
    await plain.close();
  });

  it('signs in over implicit TLS, and says so when it is refused', async () => {
    const strict = await openMailServer({
      secure: true,
      authOptional: false,
      onAuth: ({ username, password }, _session, done) =>
        password === 'right' ? done(null, { user: username }) : done(new Error('no')),
    });
    const options = { host: 'localhost', port: strict.port, ca: strict.ca, security: 'tls', from: FROM } as const;
    const mail = { to: 'x@acme.example', subject: 'Hello', text: 'Hello' };
    const good = await createMailer({ ...options, user: 'licet', password: 'right' }).send(mail);
    const bad = await createMailer({ ...options, user: 'licet', password: 'wrong' }).send(mail);
    assert.deepEqual([good.result, strict.got[0]?.user], ['delivered', 'licet']);
    assert.deepEqual([bad.result, bad.answer, bad.result === 'failed' && bad.isFinal], ['failed', 535, false]);
    await strict.close();
  });
});

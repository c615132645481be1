import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createAuthenticator } from '../../../licensing/access/authenticate.ts';
import { LicetError } from '../../../licensing/errors.ts';
import {
  acceptInvitation,
  changePassword,
  changePerson,
  inviteAgain,
  invitePerson,
} from '../../../licensing/access/people.ts';
import { beginTotp, confirmTotp, removeTotp } from '../../../licensing/access/second-factor.ts';
import { refreshSession, signOut } from '../../../licensing/access/sessions.ts';
import { type Credentials, signIn } from '../../../licensing/access/sign-in.ts';
import { stepAt, totpCode } from '../../../licensing/access/totp.ts';
import { sql } from '../../transactions.ts';
import { onBothHosts } from '../../test/test-database.ts';
import { accessDeps, addOrganization, addPerson, hasCode, inside, owner, PASSWORD, type TestAccess } from './access.ts';

const fromBase32 = (text: string): Buffer => {
  const bits = Array.from(text, (digit) =>
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(digit).toString(2).padStart(5, '0'),
  ).join('');
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
};

onBothHosts('Signing in', (getDatabase, host) => {
  let deps: TestAccess;
  let at = 0;
  const credentials = (email: string, more: Partial<Credentials> = {}): Credentials => ({
    organization: 'acme',
    email,
    password: PASSWORD,
    address: `192.0.2.${++at % 250}`,
    ...more,
  });

  before(async () => {
    deps = accessDeps(getDatabase());
    await addOrganization(deps, 'acme');
    await addOrganization(deps, 'other');
  });

  const bearer = (token: string) => createAuthenticator(deps).bearer(token);

  it('gives tokens by which the person is known', async () => {
    const person = await addPerson(deps, 'acme', 'Ann@Example.org');
    const tokens = await signIn(deps, credentials(' ann@example.ORG '));
    const { principal, session } = await bearer(tokens.accessToken);
    assert.deepEqual({ ...principal, enterprise: undefined }, person);
    assert.equal(session, tokens.session);
  });

  it('says the same of an unknown account, a wrong password, another organization and a disabled account', async () => {
    await addPerson(deps, 'acme', 'same@example.org');
    const disabled = await addPerson(deps, 'acme', 'disabled@example.org');
    await inside(deps, 'acme', (tx) =>
      changePerson(deps, tx, owner('acme'), disabled.id.slice(7), { status: 'disabled' }),
    );
    const invited = { email: 'invited@example.org', name: 'Invited', roles: ['operator'] as const };
    await inside(deps, 'acme', (tx) => invitePerson(deps, tx, owner('acme'), invited));
    const answers = await Promise.all(
      [
        credentials('nobody@example.org'),
        credentials('same@example.org', { password: 'not this password' }),
        credentials('same@example.org', { password: '' }),
        credentials('same@example.org', { password: 'x'.repeat(10_000) }),
        credentials('same@example.org', { organization: 'other' }),
        credentials('same@example.org', { organization: 'nowhere' }),
        credentials('same@example.org', { organization: "acme'; --" }),
        credentials('same@example.org\0'),
        credentials('disabled@example.org'),
        credentials('invited@example.org'),
      ].map((tried) =>
        signIn(deps, tried).then(
          () => 'in',
          (error: LicetError) => JSON.stringify([error.kind, error.code, error.message, error.pointer]),
        ),
      ),
    );
    assert.equal(new Set(answers).size, 1);
    assert.match(answers[0]!, /SIGN_IN_REFUSED/);
  });

  it('hashes once, whether or not there is such a person', async () => {
    await addPerson(deps, 'acme', 'work@example.org');
    const work: string[] = [];
    const counting = {
      ...deps,
      passwords: {
        ...deps.passwords,
        matches: async (password: string, encoded: string | undefined) => {
          work.push(password);
          return deps.passwords.matches(password, encoded);
        },
      },
    };
    for (const email of ['work@example.org', 'nobody-at-all@example.org']) {
      const wrong = signIn(counting, credentials(email, { password: 'wrong' }));
      await assert.rejects(wrong, hasCode('SIGN_IN_REFUSED'));
    }
    assert.deepEqual(work, ['wrong', 'wrong']);
  });

  it('lets five of fifty tries at once through to the password, and tells the others when to come back', async () => {
    await addPerson(deps, 'acme', 'stormed@example.org');
    const address = '2001:db8:0:1::1';
    const tries = Array.from({ length: 50 }, () =>
      signIn(deps, credentials('stormed@example.org', { password: 'a wrong guess', address })),
    );
    const codes = (await Promise.allSettled(tries)).map((one) => {
      assert.ok(one.status === 'rejected' && one.reason instanceof LicetError);
      if (one.reason.code === 'SIGN_IN_THROTTLED') assert.ok((one.reason.retryAfterSeconds ?? 0) >= 1);
      return one.reason.code;
    });
    assert.equal(codes.filter((code) => code === 'SIGN_IN_REFUSED').length, 5);
    assert.equal(codes.filter((code) => code === 'SIGN_IN_THROTTLED').length, 45);
    // The right password does not help either, nor another address of the same network; time does.
    const right = credentials('stormed@example.org', { address: '2001:db8:0:1:ffff::2' });
    await assert.rejects(signIn(deps, right), hasCode('SIGN_IN_THROTTLED'));
    await signIn(deps, credentials('stormed@example.org', { address: '2001:db8:0:2::1' }));
    deps.clock.advance(31_000);
    await signIn(deps, right);
  });

  it('lets somebody in where that one was in before, however long strangers guess from everywhere', async () => {
    await addPerson(deps, 'acme', 'wanted@example.org');
    const home = credentials('wanted@example.org', { address: '192.0.2.251' });
    await signIn(deps, home);
    const codes = { home: new Set<string>(), stranger: new Set<string>(), elsewhere: new Set<string>() };
    const tried = (where: keyof typeof codes, one: Credentials) =>
      signIn(deps, one).then(
        () => codes[where].add('in'),
        (error: LicetError) => codes[where].add(error.code),
      );
    for (let minute = 0; minute < 10; minute++) {
      for (let network = 0; network < 25; network++) {
        const address = `2001:db8:1:${network}::1`;
        await tried('stranger', credentials('wanted@example.org', { password: 'a guess', address }));
      }
      if (minute % 3 === 2) await tried('home', home);
      await tried('elsewhere', credentials('wanted@example.org', { address: '2001:db8:2::1' }));
      deps.clock.advance(60_000);
    }
    assert.deepEqual([...codes.home], ['in']);
    assert.deepEqual([...codes.stranger], ['SIGN_IN_REFUSED', 'SIGN_IN_THROTTLED']);
    assert.deepEqual([...codes.elsewhere], ['SIGN_IN_THROTTLED']);
  });

  it('makes nobody wait longer after a clock that was ahead than after a storm', async () => {
    await addPerson(deps, 'acme', 'early@example.org');
    deps.clock.advance(172_800_000);
    await assert.rejects(
      signIn(deps, credentials('early@example.org', { password: 'wrong' })),
      hasCode('SIGN_IN_REFUSED'),
    );
    deps.clock.advance(-172_800_000);
    await assert.rejects(signIn(deps, credentials('early@example.org')), (error: LicetError) => {
      return error.code === 'SIGN_IN_THROTTLED' && error.retryAfterSeconds === 30;
    });
    deps.clock.advance(31_000);
    await signIn(deps, credentials('early@example.org'));
  });

  it('lets nobody in while tries cannot be counted', async () => {
    await addPerson(deps, 'acme', 'closed@example.org');
    const broken = {
      ...deps,
      stores: {
        ...deps.stores,
        throttles: { ...deps.stores.throttles, take: () => Promise.reject(new Error('down')) },
      },
    };
    await assert.rejects(signIn(broken, credentials('closed@example.org')), (error: LicetError) => {
      return error.code === 'SIGN_IN_UNAVAILABLE' && error.kind === 'unavailable' && error.retryAfterSeconds === 5;
    });
  });

  describe('with a second factor', () => {
    const email = 'two@example.org';
    let secret: Buffer;
    let recovery: readonly string[];
    const code = (step = 0): string => totpCode(secret, stepAt(deps.clock.now()) + step);

    before(async () => {
      const person = await addPerson(deps, 'acme', email);
      const begun = await inside(deps, 'acme', (tx) => beginTotp(deps, tx, person));
      secret = fromBase32(begun.secret);
      assert.equal(secret.length, 20);
      assert.ok(begun.uri.startsWith('otpauth://totp/Licet:two%40example.org?secret='));
      // Not before it is confirmed: nobody is locked out by a QR code that was not scanned.
      await signIn(deps, credentials(email));
      recovery = await confirmTotp(deps, person, code());
    });

    beforeEach(() => deps.clock.advance(120_000));

    it('asks for the code when the password is right, and not before', async () => {
      await assert.rejects(signIn(deps, credentials(email)), hasCode('CODE_REQUIRED'));
      await assert.rejects(signIn(deps, credentials(email, { password: 'wrong' })), hasCode('SIGN_IN_REFUSED'));
    });

    it('takes a code once, and no older one after it', async () => {
      const now = code();
      const earlier = code(-1);
      await signIn(deps, credentials(email, { code: now }));
      await assert.rejects(signIn(deps, credentials(email, { code: now })), hasCode('SIGN_IN_REFUSED'));
      await assert.rejects(signIn(deps, credentials(email, { code: earlier })), hasCode('SIGN_IN_REFUSED'));
    });

    it('takes a code once of many who send it at the same moment', async () => {
      const same = code();
      const all = await Promise.allSettled(
        Array.from({ length: 4 }, () => signIn(deps, credentials(email, { code: same }))),
      );
      assert.equal(all.filter((one) => one.status === 'fulfilled').length, 1);
    });

    it('takes the code of the step before and after, and of no other', async () => {
      for (const step of [-2, 2]) {
        const far = signIn(deps, credentials(email, { code: code(step) }));
        await assert.rejects(far, hasCode('SIGN_IN_REFUSED'));
      }
      await signIn(deps, credentials(email, { code: code(-1) }));
      await signIn(deps, credentials(email, { code: code(1) }));
    });

    it('takes each recovery code once', async () => {
      const [first = ''] = recovery;
      await signIn(deps, credentials(email, { code: first.toLowerCase() }));
      await assert.rejects(signIn(deps, credentials(email, { code: first })), hasCode('SIGN_IN_REFUSED'));
    });

    for (const bad of ['', '12345', '1234567', 'abcdef', '١٢٣٤٥٦', '\0\0\0\0\0\0']) {
      it(`refuses ${JSON.stringify(bad)}`, async () => {
        deps.clock.advance(600_000);
        await assert.rejects(signIn(deps, credentials(email, { code: bad })), hasCode('SIGN_IN_REFUSED'));
      });
    }

    it('keeps the secret sealed, and the codes as digests', async () => {
      const stored = await inside(deps, 'acme', (tx) =>
        sql(tx).query<{ row: string }>('select to_jsonb(people)::text as row from people where email = $1', [email]),
      );
      const row = stored[0]!.row;
      assert.ok(!row.includes(secret.toString('hex')));
      for (const code of recovery) assert.ok(!row.includes(code));
    });

    it('goes only with a code of it', async () => {
      const person = await addPerson(deps, 'acme', 'remove@example.org');
      const begun = await inside(deps, 'acme', (tx) => beginTotp(deps, tx, person));
      const own = (step: number): string => totpCode(fromBase32(begun.secret), stepAt(deps.clock.now()) + step);
      await confirmTotp(deps, person, own(0));
      await assert.rejects(removeTotp(deps, person, own(0)), hasCode('CODE_WRONG'));
      await removeTotp(deps, person, own(1));
      await signIn(deps, credentials('remove@example.org'));
    });
  });

  it('is no way around the limit: who is in guesses codes and the own password as rarely', async () => {
    const person = await addPerson(deps, 'acme', 'guessed@example.org');
    const ways = [
      () => removeTotp(deps, person, '000000'),
      () => confirmTotp(deps, person, '000000'),
      () => changePassword(deps, person, undefined, { old: 'a wrong guess', password: 'eight llamas sing at dusk' }),
    ];
    const codes: string[] = [];
    for (let at = 0; at < 9; at++) await ways[at % 3]!().catch(({ code }: LicetError) => codes.push(code));
    const throttled = Array.from({ length: 4 }, () => 'SIGN_IN_THROTTLED');
    assert.deepEqual(codes, ['CODE_WRONG', 'CODE_WRONG', 'PASSWORD_WRONG', 'CODE_WRONG', 'CODE_WRONG', ...throttled]);
    const noted = await inside(deps, 'acme', (tx) =>
      sql(tx).query("select 1 from audit_log where action = 'self.refused' and subject = $1", [person.id]),
    );
    assert.equal(noted.length, 5);
    deps.clock.advance(31_000);
    await changePassword(deps, person, undefined, { old: PASSWORD, password: 'eight llamas sing at dusk' });
  });

  describe('keeps sessions', () => {
    let email = '';
    let count = 0;
    beforeEach(async () => {
      email = `session-${++count}@example.org`;
      await addPerson(deps, 'acme', email);
    });

    it('short: an access token ends, and a refresh token gives the next', async () => {
      const first = await signIn(deps, credentials(email));
      deps.clock.advance(10 * 60_000);
      await assert.rejects(bearer(first.accessToken), hasCode('NOT_AUTHENTICATED'));
      const second = await refreshSession(deps, first.refreshToken);
      assert.equal(second.session, first.session);
      await bearer(second.accessToken);
    });

    it('safe from copies: a refresh token that comes again ends the session for both, with an event', async () => {
      const first = await signIn(deps, credentials(email));
      const second = await refreshSession(deps, first.refreshToken);
      const third = await refreshSession(deps, second.refreshToken);
      await assert.rejects(refreshSession(deps, first.refreshToken), hasCode('REFRESH_REFUSED'));
      await assert.rejects(refreshSession(deps, third.refreshToken), hasCode('REFRESH_REFUSED'));
      await assert.rejects(bearer(third.accessToken), hasCode('NOT_AUTHENTICATED'));
      const events = await inside(deps, 'acme', (tx) =>
        sql(tx).query<{ type: string }>('select type from outbox_events where stream = $1', [
          `session:${first.session}`,
        ]),
      );
      assert.deepEqual(events, [{ type: 'session.stolen' }]);
    });

    it('open to who lost an answer: for a minute the same refresh token is good again, as often as it takes', async () => {
      const first = await signIn(deps, credentials(email));
      await refreshSession(deps, first.refreshToken);
      deps.clock.advance(59_000);
      await refreshSession(deps, first.refreshToken);
      const third = await refreshSession(deps, first.refreshToken);
      await bearer(third.accessToken);
      deps.clock.advance(10 * 60_000);
      const fourth = await refreshSession(deps, third.refreshToken);
      await assert.rejects(refreshSession(deps, first.refreshToken), hasCode('REFRESH_REFUSED'));
      await assert.rejects(bearer(fourth.accessToken), hasCode('NOT_AUTHENTICATED'));
    });

    it('safe from copies a minute after the first use, however often the token was repeated within it', async () => {
      const first = await signIn(deps, credentials(email));
      await refreshSession(deps, first.refreshToken);
      deps.clock.advance(30_000);
      const repeated = await refreshSession(deps, first.refreshToken);
      deps.clock.advance(30_000);
      await assert.rejects(refreshSession(deps, first.refreshToken), hasCode('REFRESH_REFUSED'));
      await assert.rejects(bearer(repeated.accessToken), hasCode('NOT_AUTHENTICATED'));
    });

    it('safe from a thief in that minute: only one of the two goes on, and the other ends the session', async () => {
      const first = await signIn(deps, credentials(email));
      const owner = await refreshSession(deps, first.refreshToken);
      const thief = await refreshSession(deps, first.refreshToken);
      await assert.rejects(bearer(owner.accessToken), hasCode('NOT_AUTHENTICATED'));
      await assert.rejects(refreshSession(deps, owner.refreshToken), hasCode('REFRESH_REFUSED'));
      await assert.rejects(bearer(thief.accessToken), hasCode('NOT_AUTHENTICATED'));
    });

    it('safe from races: of two refreshes at once the later is good, and the earlier ends the session', async () => {
      const first = await signIn(deps, credentials(email));
      const both = await Promise.all([1, 2].map(() => refreshSession(deps, first.refreshToken)));
      const good = await Promise.allSettled(both.map(({ accessToken }) => bearer(accessToken)));
      assert.equal(good.filter(({ status }) => status === 'fulfilled').length, 1);
      const spent = both[good.findIndex(({ status }) => status === 'rejected')]!;
      await assert.rejects(refreshSession(deps, spent.refreshToken), hasCode('REFRESH_REFUSED'));
    });

    it('no longer than they may lie still, nor than they may last', async () => {
      const idle = await signIn(deps, credentials(email));
      deps.clock.advance(24 * 60 * 60_000);
      await assert.rejects(refreshSession(deps, idle.refreshToken), hasCode('REFRESH_REFUSED'));
      let live = await signIn(deps, credentials(email));
      for (let day = 0; day < 14; day++) {
        deps.clock.advance(23 * 60 * 60_000);
        live = await refreshSession(deps, live.refreshToken);
      }
      deps.clock.advance(23 * 60 * 60_000);
      await assert.rejects(refreshSession(deps, live.refreshToken), hasCode('REFRESH_REFUSED'));
    });

    it('until the person signs out, here or everywhere', async () => {
      const [one, other] = [await signIn(deps, credentials(email)), await signIn(deps, credentials(email))];
      const { principal } = await bearer(one.accessToken);
      await inside(deps, 'acme', (tx) => signOut(deps, tx, principal, { session: one.session }));
      await assert.rejects(bearer(one.accessToken), hasCode('NOT_AUTHENTICATED'));
      await assert.rejects(refreshSession(deps, one.refreshToken), hasCode('REFRESH_REFUSED'));
      await bearer(other.accessToken);
      await inside(deps, 'acme', (tx) => signOut(deps, tx, principal, 'everywhere'));
      await assert.rejects(bearer(other.accessToken), hasCode('NOT_AUTHENTICATED'));
    });

    it("apart: nobody ends another's session", async () => {
      const theirs = await signIn(deps, credentials(email));
      const other = await addPerson(deps, 'acme', `not-${email}`);
      const ended = inside(deps, 'acme', (tx) => signOut(deps, tx, other, { session: theirs.session }));
      await assert.rejects(ended, hasCode('NOT_FOUND'));
    });

    it('until the person is disabled or invited again', async () => {
      for (const [index, end] of ['disabled', 'invited'].entries()) {
        const person = await addPerson(deps, 'acme', `${index}-${email}`);
        const tokens = await signIn(deps, credentials(`${index}-${email}`));
        await inside(deps, 'acme', async (tx) => {
          if (end === 'invited') await inviteAgain(deps, tx, owner('acme'), person.id.slice(7));
          else await changePerson(deps, tx, owner('acme'), person.id.slice(7), { status: 'disabled' });
        });
        await assert.rejects(bearer(tokens.accessToken), hasCode('NOT_AUTHENTICATED'));
        await assert.rejects(refreshSession(deps, tokens.refreshToken), hasCode('REFRESH_REFUSED'));
      }
    });

    it('other than the one in which the password was changed: those end', async () => {
      const [one, other] = [await signIn(deps, credentials(email)), await signIn(deps, credentials(email))];
      const { principal } = await bearer(one.accessToken);
      const change = { old: PASSWORD, password: 'eight llamas sing at dusk' };
      await changePassword(deps, principal, one.session, change);
      await bearer(one.accessToken);
      await assert.rejects(bearer(other.accessToken), hasCode('NOT_AUTHENTICATED'));
      await assert.rejects(signIn(deps, credentials(email)), hasCode('SIGN_IN_REFUSED'));
      await assert.rejects(changePassword(deps, principal, one.session, change), hasCode('PASSWORD_WRONG'));
    });
  });

  describe('begins with an invitation', () => {
    it('that is good once, and for a week', async () => {
      const invite = (email: string) =>
        inside(deps, 'acme', (tx) =>
          invitePerson(deps, tx, owner('acme'), { email, name: 'New', roles: ['auditor'] }),
        ).then((invited) => (invited.outcome === 'done' ? invited.result.invitation : ''));
      const used = await invite('once@example.org');
      await acceptInvitation(deps, used, PASSWORD);
      await assert.rejects(acceptInvitation(deps, used, PASSWORD), hasCode('INVITATION_REFUSED'));
      const late = await invite('late@example.org');
      deps.clock.advance(7 * 24 * 60 * 60_000);
      await assert.rejects(acceptInvitation(deps, late, PASSWORD), hasCode('INVITATION_REFUSED'));
    });

    it('whose secret is not what is stored', async () => {
      const invited = await inside(deps, 'acme', (tx) =>
        invitePerson(deps, tx, owner('acme'), { email: 'digest@example.org', name: 'New', roles: ['auditor'] }),
      );
      assert.ok(invited.outcome === 'done');
      const digest = createHash('sha256').update(invited.result.invitation).digest('hex');
      assert.equal(invited.result.person.invitation, digest);
    });

    it('to one account per address and organization', async () => {
      await addPerson(deps, 'acme', 'unique@example.org');
      await assert.rejects(addPerson(deps, 'acme', 'UNIQUE@example.org'), hasCode('PERSON_EXISTS'));
      await addPerson(deps, 'other', 'unique@example.org');
    });
  });

  if (host === 'embedded') return;

  it("of one organization finds no person of another's, even with every check of the code taken away", async () => {
    await addPerson(deps, 'other', 'theirs@example.org');
    const rows = await inside(deps, 'acme', async (tx) => {
      const counts: Record<string, unknown> = {};
      for (const table of ['people', 'sessions', 'api_tokens', 'approval_requests', 'sign_in_providers']) {
        counts[table] = await sql(tx).query(`select 1 from ${table} where organization <> 'acme'`);
      }
      return counts;
    });
    for (const found of Object.values(rows)) assert.deepEqual(found, []);
    const throttles = inside(deps, 'acme', (tx) => sql(tx).query('select 1 from throttles'));
    await assert.rejects(throttles, /permission denied/);
  });
});

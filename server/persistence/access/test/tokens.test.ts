import assert from 'node:assert/strict';
import { decideApproval, withApproval } from '../../../licensing/access/approvals.ts';
import { createAuthenticator } from '../../../licensing/access/authenticate.ts';
import { type Person, tokenPrincipal } from '../../../licensing/access/model.ts';
import { acceptInvitation, changePerson, inviteAgain, invitePerson } from '../../../licensing/access/people.ts';
import { erasePerson, exportPerson } from '../../../licensing/access/personal-data.ts';
import { keepAnOwner } from '../../../licensing/access/last-owner.ts';
import { newEntity } from '../../../licensing/access/record.ts';
import { newSecret } from '../../../licensing/access/secrets.ts';
import { addProvider } from '../../../licensing/access/providers.ts';
import { refreshSession } from '../../../licensing/access/sessions.ts';
import { signIn } from '../../../licensing/access/sign-in.ts';
import {
  createFirstOwner,
  createToken,
  type MadeToken,
  type NewToken,
  revokeToken,
} from '../../../licensing/access/tokens.ts';
import { createSecondPerson } from '../../../licensing/second-person.ts';
import { ChainVerifier } from '../../../licensing/audit/index.ts';
import { accessHousekeeping } from '../../../jobs/access-housekeeping.ts';
import type { LicetError } from '../../../licensing/errors.ts';
import type { Principal } from '../../../licensing/model/principal.ts';
import { auditLog } from '../../audit-log.ts';
import { collections } from '../../licensing/collections.ts';
import { retention } from '../../retention.ts';
import { sql } from '../../transactions.ts';
import { onBothHosts } from '../../test/test-database.ts';
import { accessDeps, addOrganization, addPerson, hasCode, inside, owner, PASSWORD, type TestAccess } from './access.ts';

const ENTERPRISE = '01920000-0000-7000-8000-000000000001';

// One database for all: making one costs more than most of these tests.
onBothHosts('Access', (getDatabase) => {
  describe('API tokens', () => {
    let deps: TestAccess;
    before(async () => {
      deps = accessDeps(getDatabase());
      await addOrganization(deps, 'acme');
      await addOrganization(deps, 'other');
    });

    const make = async (input: Partial<NewToken> = {}, by: Principal = owner('acme')): Promise<MadeToken> => {
      const wanted: NewToken = { name: 'test', roles: ['application'], days: 30, ...input };
      const made = await inside(deps, by.organization, (tx) => createToken(deps, tx, by, wanted));
      assert.ok(made.outcome === 'done');
      return made.result;
    };

    it('stand for their roles, enterprise and actions', async () => {
      const { secret, token } = await make({ enterprise: ENTERPRISE, actions: ['site.read'] });
      const { principal } = await createAuthenticator(deps).bearer(secret);
      assert.deepEqual(principal, {
        kind: 'token',
        id: `token:${token.id}`,
        organization: 'acme',
        roles: ['application'],
        enterprise: ENTERPRISE,
        site: undefined,
        actions: ['site.read'],
        responsible: owner('acme').id,
      });
    });

    it('are refused alike when unknown, mistyped, expired or revoked', async () => {
      const authenticator = createAuthenticator(deps);
      const expired = await make({ days: 1 });
      const revoked = await make();
      await inside(deps, 'acme', (tx) => revokeToken(deps, tx, owner('acme'), revoked.token.id));
      deps.clock.advance(24 * 60 * 60_000);
      const bad = [expired.secret, revoked.secret, newSecret('api', deps.random), `${revoked.secret}x`, 'x', ''];
      const answers = await Promise.all(
        bad.map((token) => authenticator.bearer(token).catch((error: Error) => `${error.name} ${error.message}`)),
      );
      assert.equal(new Set(answers).size, 1);
    });

    it('end at the second, also where they are remembered', async () => {
      const authenticator = createAuthenticator(deps);
      const { secret } = await make({ days: 1 });
      deps.clock.advance(24 * 60 * 60_000 - 1);
      await authenticator.bearer(secret);
      deps.clock.advance(1);
      await assert.rejects(authenticator.bearer(secret), hasCode('NOT_AUTHENTICATED'));
    });

    it('revoked here end at once, revoked elsewhere within two seconds', async () => {
      const [here, elsewhere] = [createAuthenticator(deps), createAuthenticator(deps)];
      const { secret, token } = await make();
      await Promise.all([here.bearer(secret), elsewhere.bearer(secret)]);
      await inside(deps, 'acme', (tx) => revokeToken(deps, tx, owner('acme'), token.id));
      here.forget();
      await assert.rejects(here.bearer(secret), hasCode('NOT_AUTHENTICATED'));
      deps.clock.advance(2000);
      await assert.rejects(elsewhere.bearer(secret), hasCode('NOT_AUTHENTICATED'));
    });

    it('revoked elsewhere are not remembered for longer because the clock was ahead when they were seen', async () => {
      const elsewhere = createAuthenticator(deps);
      const { secret, token } = await make();
      deps.clock.advance(3_600_000);
      await elsewhere.bearer(secret);
      deps.clock.advance(-3_600_000);
      await inside(deps, 'acme', (tx) => revokeToken(deps, tx, owner('acme'), token.id));
      await assert.rejects(elsewhere.bearer(secret), hasCode('NOT_AUTHENTICATED'));
    });

    it('are looked up once for many requests, and their use is written once', async () => {
      let lookups = 0;
      let writes = 0;
      const credentials = {
        ...deps.stores.credentials,
        findToken: (...args: Parameters<typeof deps.stores.credentials.findToken>) => {
          lookups++;
          return deps.stores.credentials.findToken(...args);
        },
        touch: (...args: Parameters<typeof deps.stores.credentials.touch>) => {
          writes++;
          return deps.stores.credentials.touch(...args);
        },
      };
      const authenticator = createAuthenticator({ ...deps, stores: { ...deps.stores, credentials } });
      const { secret, token } = await make();
      for (let request = 0; request < 100; request++) await authenticator.bearer(secret);
      await authenticator.flush();
      await authenticator.flush();
      assert.deepEqual({ lookups, writes }, { lookups: 1, writes: 1 });
      const stored = await inside(deps, 'acme', (tx) => deps.stores.tokens.get(tx, token.id));
      assert.deepEqual(stored?.lastUsedAt, deps.clock.now());
      assert.equal(stored?.version, 1);
    });

    it('are never more than who makes them', async () => {
      const admin: Principal = { ...owner('acme'), roles: ['admin'] };
      await assert.rejects(make({ roles: ['owner'] }, admin), hasCode('NOT_ALLOWED'));
      await assert.rejects(make({ roles: ['admin'] }, admin), hasCode('NOT_ALLOWED'));
      await assert.rejects(make({}, { ...owner('acme'), roles: ['operator'] }), hasCode('NOT_ALLOWED'));
      const limited: Principal = { ...owner('acme'), actions: ['token.create', 'site.read'] };
      await assert.rejects(make({}, limited), hasCode('TOKEN_INVALID'));
      await assert.rejects(make({ actions: ['site.create'] }, limited), hasCode('TOKEN_INVALID'));
      await make({ actions: ['site.read'] }, limited);
      const scoped: Principal = { ...owner('acme'), enterprise: ENTERPRISE };
      await assert.rejects(make({}, scoped), hasCode('NOT_FOUND'));
      await make({ enterprise: ENTERPRISE }, scoped);
    });

    it('work while their maker is there and may do what they may', async () => {
      const cat = await addPerson(deps, 'acme', 'cat@example.org', ['admin']);
      const id = cat.id.slice('person:'.length);
      const change = (to: Parameters<typeof changePerson>[4]) =>
        inside(deps, 'acme', (tx) => changePerson(deps, tx, owner('acme'), id, to));
      const { secret } = await make({ roles: ['operator'] }, cat);
      const works = () =>
        createAuthenticator(deps)
          .bearer(secret)
          .then(
            () => true,
            (error: LicetError) => {
              assert.ok(error.code === 'NOT_AUTHENTICATED' && error.message.includes('made this token'));
              return false;
            },
          );
      assert.equal(await works(), true);
      // Who has lost the password has neither left nor become less.
      const invited = await inside(deps, 'acme', (tx) => inviteAgain(deps, tx, owner('acme'), id));
      assert.equal(await works(), true);
      assert.ok(invited.outcome === 'done');
      await acceptInvitation(deps, invited.result.invitation, PASSWORD);
      for (const [to, expected] of [
        [{ status: 'disabled' }, false],
        [{ status: 'active' }, true],
        [{ roles: ['operator'] }, true],
        [{ roles: ['auditor'] }, false],
        [{ roles: ['operator'], enterprise: ENTERPRISE }, false],
      ] as const) {
        await change(to);
        assert.equal(await works(), expected, JSON.stringify(to));
      }
      await inside(deps, 'acme', (tx) => erasePerson(deps, tx, owner('acme'), id));
      assert.equal(await works(), false);
    });

    it('end with the token that made them at the latest', async () => {
      const parent = await make({ roles: ['owner'], days: 1 });
      deps.clock.advance(60_000);
      const child = await make({ days: 366 }, tokenPrincipal(parent.token));
      assert.deepEqual(child.token.expiresAt, parent.token.expiresAt);
      assert.equal(child.token.madeBy, parent.token.madeBy);
    });

    it('end with the token that made them also when that is revoked, which makes no more then', async () => {
      const parent = await make({ roles: ['owner'] });
      const child = await make({ roles: ['owner'] }, tokenPrincipal(parent.token));
      const grandchild = await make({}, tokenPrincipal(child.token));
      const other = await make();
      const revoke = () => inside(deps, 'acme', (tx) => revokeToken(deps, tx, owner('acme'), parent.token.id));
      await Promise.allSettled([revoke(), make({}, tokenPrincipal(child.token)), revoke()]);
      await assert.rejects(make({}, tokenPrincipal(parent.token)), hasCode('NOT_AUTHENTICATED'));
      const authenticator = createAuthenticator(deps);
      for (const { secret } of [parent, child, grandchild]) {
        await assert.rejects(authenticator.bearer(secret), hasCode('NOT_AUTHENTICATED'));
      }
      await authenticator.bearer(other.secret);
      const left = await inside(deps, 'acme', (tx) =>
        sql(tx).query('select 1 from api_tokens where revoked_at is null and parent = any($1::uuid[])', [
          [parent.token.id, child.token.id],
        ]),
      );
      assert.deepEqual(left, []);
    });

    it('end so too below a token that an earlier version revoked alone', async () => {
      const parent = await make({ roles: ['owner'] });
      const child = await make({ roles: ['owner'] }, tokenPrincipal(parent.token));
      const { secret } = await make({}, tokenPrincipal(child.token));
      const alone = 'update api_tokens set revoked_at = now() where id = $1';
      await inside(deps, 'acme', (tx) => sql(tx).query(alone, [child.token.id]));
      await inside(deps, 'acme', (tx) => revokeToken(deps, tx, owner('acme'), parent.token.id));
      await assert.rejects(createAuthenticator(deps).bearer(secret), hasCode('NOT_AUTHENTICATED'));
    });

    for (const [what, bad] of Object.entries({
      'no role': { roles: [] },
      'the role of a site': { roles: ['site'] },
      'an enterprise-admin of nothing': { roles: ['enterprise-admin'] },
      'an unknown action': { actions: ['site.explode'] },
      'no life': { days: 0 },
      'a life without end': { days: 367 },
      'half a day': { days: 0.5 },
    } as const)) {
      it(`are not made with ${what}`, () => assert.rejects(make(bad), hasCode('TOKEN_INVALID')));
    }

    it("of another organization are not found, and say the same as ones that aren't there", async () => {
      const { token } = await make();
      const revoke = (by: string, id: string) => inside(deps, by, (tx) => revokeToken(deps, tx, owner(by), id));
      const answers = await Promise.all(
        [revoke('other', token.id), revoke('other', ENTERPRISE), revoke('other', 'no id')].map((tried) =>
          tried.then(
            () => 'done',
            (error: Error) => error.message,
          ),
        ),
      );
      assert.equal(new Set(answers).size, 1);
      assert.notEqual(answers[0], 'done');
    });

    it('let the first owner in, once, however many servers start at that moment', async () => {
      await addOrganization(deps, 'fresh');
      const servers = Array.from({ length: 6 }, () =>
        inside(deps, 'fresh', (tx) => createFirstOwner(deps, tx, 'fresh')),
      );
      const [first, ...more] = (await Promise.all(servers)).filter((made) => made !== undefined);
      assert.deepEqual([first?.token.roles, more], [['owner'], []]);
      const { principal } = await createAuthenticator(deps).bearer(first!.secret);
      assert.deepEqual(principal.roles, ['owner']);
      assert.equal(await inside(deps, 'fresh', (tx) => createFirstOwner(deps, tx, 'fresh')), undefined);
    });

    it('let the first owner in again when the time is over and nobody was made an owner, and not when somebody was', async () => {
      const deps = accessDeps(getDatabase());
      await addOrganization(deps, 'lapsed');
      const letIn = () => inside(deps, 'lapsed', (tx) => createFirstOwner(deps, tx, 'lapsed'));
      const first = await letIn();
      await addPerson(deps, 'lapsed', 'ann@example.org', ['admin']);
      await addPerson(deps, 'lapsed', 'ben@example.org', ['owner'], { enterprise: ENTERPRISE });
      deps.clock.advance(29 * 24 * 3_600_000);
      assert.equal(await letIn(), undefined);
      deps.clock.advance(24 * 3_600_000);
      const second = await letIn();
      assert.ok(second !== undefined && second.secret !== first!.secret);
      await inside(deps, 'lapsed', (tx) => revokeToken(deps, tx, owner('lapsed'), second.token.id));
      const cat = { email: 'cat@example.org', name: 'Cat', roles: ['owner'] as const };
      await inside(deps, 'lapsed', (tx) => invitePerson(deps, tx, owner('lapsed'), cat));
      assert.equal(await letIn(), undefined, 'an owner is invited');
      deps.clock.advance(7 * 24 * 3_600_000);
      assert.notEqual(await letIn(), undefined, 'the invitation is over');
    });
  });

  describe('The second person', () => {
    let deps: TestAccess;
    let ann: Principal;
    let ben: Principal;
    before(async () => {
      deps = accessDeps(getDatabase());
      await addOrganization(deps, 'two');
      [ann, ben] = [
        await addPerson(deps, 'two', 'ann@example.org', ['owner']),
        await addPerson(deps, 'two', 'ben@example.org', ['admin']),
      ];
      await inside(deps, 'two', async (tx) => {
        const { items } = await deps.organizations.list(tx, { limit: 1 });
        const settings = { ...items[0]!.settings, secondPerson: true };
        await deps.organizations.replace(tx, { ...items[0]!, settings, version: items[0]!.version + 1 });
      });
    });

    let number = 0;
    const nextAct = () =>
      ({
        action: 'enterprise.revoke',
        subject: `enterprise:${++number}`,
        payload: { why: 'fraud' as string },
      }) as const;
    const attempt = (who: Principal, act: ReturnType<typeof nextAct>) =>
      inside(deps, 'two', (tx) => withApproval(deps, tx, who, act, () => Promise.resolve('revoked')));
    const decide = (who: Principal, id: string, decision: 'approved' | 'declined' = 'approved') =>
      inside(deps, 'two', (tx) => decideApproval(deps, tx, who, id, decision));
    const asked = async (who: Principal, act: ReturnType<typeof nextAct>): Promise<string> => {
      const waiting = await attempt(who, act);
      assert.ok(waiting.outcome === 'waiting');
      return waiting.approval.id;
    };

    it('is waited for, and then the act is done once', async () => {
      const act = nextAct();
      const id = await asked(ann, act);
      assert.equal(await asked(ann, act), id);
      await decide(ben, id);
      assert.deepEqual(await attempt(ann, act), { outcome: 'done', result: 'revoked' });
      assert.equal((await attempt(ann, act)).outcome, 'waiting');
    });

    it('approves exactly what was asked, of exactly who asked', async () => {
      const act = nextAct();
      await decide(ben, await asked(ann, act));
      assert.equal((await attempt(ann, { ...act, payload: { why: 'other' } })).outcome, 'waiting');
      assert.equal((await attempt(ben, act)).outcome, 'waiting');
      assert.equal((await attempt(ann, act)).outcome, 'done');
    });

    it('is not oneself, nor by a token of one', async () => {
      const act = nextAct();
      await assert.rejects(decide(ann, await asked(ann, act)), hasCode('APPROVER_SAME_PERSON'));
      const wanted: NewToken = { name: 'own', roles: ['operator'], days: 1 };
      const made = await inside(deps, 'two', (tx) => createToken(deps, tx, ann, wanted));
      assert.ok(made.outcome === 'done');
      const token: Principal = { ...tokenPrincipal(made.result.token), roles: ['owner'] };
      await assert.rejects(decide(ann, await asked(token, nextAct())), hasCode('APPROVER_SAME_PERSON'));
      await assert.rejects(decide(token, await asked(ben, nextAct())), hasCode('APPROVER_NO_PERSON'));
    });

    it('has the right to the act as well', async () => {
      const act = { action: 'authority.create', subject: 'authority:new', payload: {} } as const;
      const waiting = await inside(deps, 'two', (tx) => withApproval(deps, tx, ann, act, () => Promise.resolve()));
      assert.ok(waiting.outcome === 'waiting');
      await assert.rejects(decide(ben, waiting.approval.id), hasCode('NOT_ALLOWED'));
    });

    it('may decline, and decides once', async () => {
      const act = nextAct();
      const id = await asked(ann, act);
      await decide(ben, id, 'declined');
      await assert.rejects(decide(ben, id), hasCode('APPROVAL_OVER'));
      assert.notEqual(await asked(ann, act), id);
    });

    it('has three days, before and after the decision', async () => {
      const act = nextAct();
      const id = await asked(ann, act);
      deps.clock.advance(72 * 60 * 60_000);
      await assert.rejects(decide(ben, id), hasCode('APPROVAL_OVER'));
      const again = await asked(ann, act);
      assert.notEqual(again, id);
      await decide(ben, again);
      deps.clock.advance(72 * 60 * 60_000);
      assert.equal((await attempt(ann, act)).outcome, 'waiting');
    });

    it('is not needed less because nobody answers for a token', async () => {
      const orphan: Principal = { ...owner('two'), kind: 'token', id: 'token:x', responsible: 'system:bootstrap' };
      await assert.rejects(attempt(orphan, nextAct()), hasCode('PERSON_REQUIRED'));
    });

    it('is needed for every way to become one: new owners, raised roles, taken over accounts, tokens', async () => {
      const id = ben.id.slice('person:'.length);
      const eve = await addPerson(deps, 'two', 'eve@example.org', ['operator']);
      const ways = await inside(deps, 'two', async (tx) => [
        await invitePerson(deps, tx, ann, { email: 'me-too@example.org', name: 'Me', roles: ['admin'] }),
        await changePerson(deps, tx, ann, eve.id.slice(7), { roles: ['admin'] }),
        await inviteAgain(deps, tx, ann, id),
        await changePerson(deps, tx, ann, id, { status: 'disabled' }),
        await erasePerson(deps, tx, ann, id),
        await createToken(deps, tx, ann, { name: 'x', roles: ['admin'], days: 1 }),
      ]);
      assert.deepEqual(
        ways.map(({ outcome }) => outcome),
        ways.map(() => 'waiting'),
      );
    });

    it('decides once, of many who approve at the same moment', async () => {
      const id = await asked(ann, nextAct());
      const all = await Promise.allSettled(Array.from({ length: 4 }, () => decide(ben, id)));
      assert.equal(all.filter(({ status }) => status === 'fulfilled').length, 1);
    });
  });

  describe('The last owner', () => {
    it('can neither be disabled nor demoted nor erased, not even by two who do it to each other at once', async () => {
      const deps = accessDeps(getDatabase());
      await addOrganization(deps, 'lone');
      const [ann, ben] = [
        await addPerson(deps, 'lone', 'ann@example.org', ['owner']),
        await addPerson(deps, 'lone', 'ben@example.org', ['owner']),
      ];
      const disable = (who: Principal) =>
        inside(deps, 'lone', (tx) => changePerson(deps, tx, owner('lone'), who.id.slice(7), { status: 'disabled' }));
      const both = await Promise.allSettled([disable(ann), disable(ben)]);
      assert.equal(both.filter(({ status }) => status === 'fulfilled').length, 1);
      const last = both[0].status === 'rejected' ? ann : ben;
      const id = last.id.slice(7);
      const acts = [
        () => disable(last),
        () => inside(deps, 'lone', (tx) => changePerson(deps, tx, owner('lone'), id, { roles: ['admin'] })),
        () => inside(deps, 'lone', (tx) => erasePerson(deps, tx, owner('lone'), id)),
      ];
      for (const act of acts) await assert.rejects(act(), hasCode('LAST_OWNER'));
    });

    it('is one of the whole organization, and cannot be limited to an enterprise of it', async () => {
      const deps = accessDeps(getDatabase());
      await addOrganization(deps, 'narrow');
      const ann = await addPerson(deps, 'narrow', 'ann@example.org', ['owner']);
      const ben = await addPerson(deps, 'narrow', 'ben@example.org', ['owner'], { enterprise: ENTERPRISE });
      const limit = (who: Principal, enterprise: string | null) =>
        inside(deps, 'narrow', (tx) => changePerson(deps, tx, owner('narrow'), who.id.slice(7), { enterprise }));
      await assert.rejects(limit(ann, ENTERPRISE), hasCode('LAST_OWNER'));
      const widened = await limit(ben, null);
      assert.ok(widened.outcome === 'done' && widened.result.enterprise === undefined);
      await limit(ann, ENTERPRISE);
    });

    it('has another beside it where a second person is asked for, which is not before there are two', async () => {
      const deps = accessDeps(getDatabase());
      await addOrganization(deps, 'pair');
      const possible = () => inside(deps, 'pair', (tx) => createSecondPerson(deps).assertPossible(tx, 'pair'));
      const disable = (who: Principal) =>
        inside(deps, 'pair', (tx) => keepAnOwner(deps, tx, { ...personOf(who), status: 'active' }));
      const personOf = ({ id, ...who }: Principal) => ({ ...who, id: id.slice(7) }) as never as Person;
      const ann = await addPerson(deps, 'pair', 'ann@example.org', ['owner']);
      await addPerson(deps, 'pair', 'ben@example.org', ['owner'], { enterprise: ENTERPRISE });
      await assert.rejects(possible(), hasCode('OWNERS_NEEDED'));
      await addPerson(deps, 'pair', 'cat@example.org', ['owner']);
      await possible();
      await disable(ann);
      await inside(deps, 'pair', async (tx) => {
        const { items } = await deps.organizations.list(tx, { where: { slug: 'pair' }, limit: 1 });
        const [before] = items;
        const settings = { ...before!.settings, secondPerson: true };
        await deps.organizations.replace(tx, { ...before!, settings, version: before!.version + 1 });
      });
      await assert.rejects(disable(ann), hasCode('LAST_OWNER'));
    });
  });

  describe('An invitation that nobody accepts', () => {
    it('ends whoever has never come, and nobody who was here before', async () => {
      const deps = accessDeps(getDatabase());
      await addOrganization(deps, 'guests');
      const never = { email: 'never@example.org', name: 'Never', roles: ['operator'] as const };
      const invited = await inside(deps, 'guests', (tx) => invitePerson(deps, tx, owner('guests'), never));
      const ann = await addPerson(deps, 'guests', 'ann@example.org', ['owner']);
      await inside(deps, 'guests', (tx) => inviteAgain(deps, tx, owner('guests'), ann.id.slice(7)));
      deps.clock.advance(38 * 24 * 3_600_000);
      const before = new Date(deps.clock.now().getTime() - 30 * 24 * 3_600_000);
      await deps.transactions.run('platform', (tx) => retention.forget(tx, 'invitation', before, 1000));
      const statusOf = async (id: string) =>
        (await inside(deps, 'guests', (tx) => deps.stores.people.get(tx, id)))?.status;
      assert.ok(invited.outcome === 'done');
      assert.equal(await statusOf(invited.result.person.id), 'erased');
      assert.equal(await statusOf(ann.id.slice(7)), 'invited');
    });
  });

  describe('Personal data', () => {
    const EMAIL = 'canary-8f1e@example.org';
    const NAME = 'Canary Birdsong';
    let deps: TestAccess;
    before(async () => {
      deps = accessDeps(getDatabase());
      await addOrganization(deps, 'zoo');
    });

    it('is exported whole, erased whole, and the audit log verifies after it', async () => {
      const person = await addPerson(deps, 'zoo', EMAIL, ['operator'], { name: NAME });
      const id = person.id.slice('person:'.length);
      const credentials = { organization: 'zoo', email: EMAIL, password: PASSWORD, address: '192.0.2.1' };
      const tokens = await signIn(deps, credentials);
      const data = await inside(deps, 'zoo', (tx) => exportPerson(deps, tx, owner('zoo'), id));
      assert.deepEqual([data.email, data.name, data.sessions.length, data.hasPassword], [EMAIL, NAME, 1, true]);
      await inside(deps, 'zoo', (tx) =>
        collections.mailRecipients.insert(tx, {
          ...newEntity(deps, 'zoo'),
          name: NAME,
          address: EMAIL.toUpperCase(),
          events: ['alert.opened'],
          alertKinds: [],
          enterprise: undefined,
          status: 'active',
        }),
      );
      await inside(deps, 'zoo', (tx) => erasePerson(deps, tx, owner('zoo'), id));
      await assert.rejects(createAuthenticator(deps).bearer(tokens.accessToken), hasCode('NOT_AUTHENTICATED'));
      await assert.rejects(signIn(deps, credentials), hasCode('SIGN_IN_REFUSED'));
      assert.deepEqual(await dump(), { withName: 0, withSecret: 0 });
      const { rows, head } = await inside(deps, 'zoo', (tx) => auditLog.page(tx, 'zoo', undefined, 1000));
      assert.ok(rows.some(({ actor, action }) => actor === person.id && action === 'session.opened'));
      assert.ok(rows.some(({ subject, action }) => subject === person.id && action === 'person.erased'));
      const chain = new ChainVerifier('zoo');
      for (const row of rows) chain.row(row);
      chain.end(head);
      assert.deepEqual([chain.finding, chain.rows], [undefined, rows.length]);
      // The address is free again.
      await addPerson(deps, 'zoo', EMAIL, ['operator'], { name: 'Someone Else' });

      /** How many rows of any table say anything of the person, or hold a secret as it was given out. */
      async function dump(): Promise<{ withName: number; withSecret: number }> {
        return deps.transactions.run('platform', async (tx) => {
          const tables = await sql(tx).query<{ name: string }>(
            `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
              and has_table_privilege(oid, 'select')`,
          );
          let [withName, withSecret] = [0, 0];
          for (const { name } of tables) {
            const rows = await sql(tx).query<{ row: string }>(`select to_jsonb(t)::text as row from "${name}" t`);
            withName += rows.filter(({ row }) => /canary|birdsong/i.test(row)).length;
            withSecret += rows.filter(({ row }) =>
              [tokens.accessToken, tokens.refreshToken, PASSWORD].some((secret) => row.includes(secret)),
            ).length;
          }
          return { withName, withSecret };
        });
      }
    });

    it('stands in one table only, before it is erased', async () => {
      await addPerson(deps, 'zoo', 'magpie-77@example.org', ['operator'], { name: 'Magpie' });
      await signIn(deps, {
        organization: 'zoo',
        email: 'magpie-77@example.org',
        password: PASSWORD,
        address: '192.0.2.9',
      });
      const found = await deps.transactions.run('platform', async (tx) => {
        const tables = [
          'people',
          'audit_log',
          'outbox_events',
          'sessions',
          'api_tokens',
          'approval_requests',
          'throttles',
        ];
        const counts: string[] = [];
        for (const table of tables) {
          const rows = await sql(tx).query(`select 1 from ${table} t where to_jsonb(t)::text ilike '%magpie%'`);
          if (rows.length > 0) counts.push(table);
        }
        return counts;
      });
      assert.deepEqual(found, ['people']);
    });
  });

  describe('Housekeeping', () => {
    it('removes ended sessions with their spent tokens, full buckets and sign-ins that nobody finished', async () => {
      const deps = accessDeps(getDatabase());
      await addOrganization(deps, 'tidy');
      await addPerson(deps, 'tidy', 'tidy@example.org');
      const credentials = {
        organization: 'tidy',
        email: 'tidy@example.org',
        password: PASSWORD,
        address: '192.0.2.77',
      };
      const tokens = await signIn(deps, credentials);
      await refreshSession(deps, tokens.refreshToken);
      const input = {
        name: 'p',
        issuer: 'https://p.example',
        clientId: 'c',
        algorithms: ['ES256'],
        trustsEmail: false,
      };
      await inside(deps, 'tidy', async (tx) => {
        const added = await addProvider({ ...deps, issuers: ['*'] }, tx, owner('tidy'), input);
        assert.ok(added.outcome === 'done');
        const pending = { state: 's', browser: 'b', nonce: 'n', verifier: 'v', expiresAt: deps.clock.now() };
        await deps.stores.signIns.insert(tx, { ...pending, organization: 'tidy', provider: added.result.id });
      });
      const left = () =>
        deps.transactions.run('platform', async (tx) => {
          const count = async (table: string, where: string) =>
            (await sql(tx).query(`select 1 from ${table} where ${where}`)).length;
          const ours = "organization = 'tidy'";
          return {
            sessions: await count('sessions', ours),
            spent: await count('spent_refresh_tokens', ours),
            signIns: await count('sign_ins', ours),
            throttles: Math.min(1, await count('throttles', 'true')),
          };
        });
      const sweep = async () => {
        const context = {
          slot: deps.clock.now(),
          signal: AbortSignal.timeout(10_000),
          assertHeld: () => Promise.resolve(),
        };
        for (const job of accessHousekeeping({ ...deps, sessionDays: 30 })) await job.run(context);
      };
      await sweep();
      assert.deepEqual(await left(), { sessions: 1, spent: 1, signIns: 1, throttles: 1 });
      deps.clock.advance(24 * 60 * 60_000);
      await sweep();
      // What is left are the places where somebody has signed in.
      assert.deepEqual(await left(), { sessions: 1, spent: 1, signIns: 0, throttles: 1 });
      deps.clock.advance(44 * 24 * 60 * 60_000);
      await sweep();
      assert.deepEqual(await left(), { sessions: 0, spent: 0, signIns: 0, throttles: 0 });
    });
  });
});

import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { LicetError } from '../../errors.ts';
import { type Principal, ROLES, type Role } from '../../model/principal.ts';
import { type Action, ACTIONS, DANGEROUS, isOfOrganization, POWERFUL } from '../actions.ts';
import { authorize, boundsOf, exceeds, reachOf, type Resource } from '../authorize.ts';
import { hasCode, principal } from './principals.ts';

const actions = Object.keys(ACTIONS) as Action[];

const OWN: Resource = { organization: 'acme', enterprise: 'enterprise-1', site: 'site-1' };
const NEIGHBOUR: Resource = { organization: 'acme', enterprise: 'enterprise-1', site: 'site-2' };
const OTHER: Resource = { organization: 'acme', enterprise: 'enterprise-2', site: 'site-3' };
const FOREIGN: Resource = { ...OWN, organization: 'evil' };

function outcome(who: Principal, action: Action, resource: Resource | undefined): string {
  try {
    authorize(who, action, resource);
    return 'done';
  } catch (error) {
    assert.ok(error instanceof LicetError);
    return error.code;
  }
}

describe('The authorization table', () => {
  it('decides every action for every role as it says', () => {
    for (const action of actions) {
      for (const [at, role] of ROLES.entries()) {
        const seen = [OWN, NEIGHBOUR, OTHER].map((resource) => outcome(principal(role), action, resource));
        const expected = {
          all: ['done', 'done', 'done'],
          enterprise: ['done', 'done', 'NOT_FOUND'],
          site: ['done', 'NOT_FOUND', 'NOT_FOUND'],
          none: ['NOT_ALLOWED', 'NOT_ALLOWED', 'NOT_ALLOWED'],
        }[ACTIONS[action].may[at]!];
        assert.deepEqual(seen, expected, `${role} ${action}`);
      }
    }
  });

  it('answers a foreign, a missing and an out of reach thing with one and the same sentence', () => {
    const who = principal('enterprise-admin');
    const messages = [FOREIGN, OTHER, undefined].map((resource) => {
      try {
        authorize(who, 'site.read', resource);
        return 'done';
      } catch (error) {
        return `${(error as LicetError).kind} ${(error as LicetError).code} ${(error as Error).message}`;
      }
    });
    assert.equal(new Set(messages).size, 1);
    assert.match(messages[0]!, /^not-found NOT_FOUND/);
  });

  it('never lets any role reach another organization', () => {
    for (const action of actions) {
      for (const role of ROLES) assert.notEqual(outcome(principal(role), action, FOREIGN), 'done');
    }
  });

  it('refuses an action that nobody has heard of, also when a token lists it', () => {
    const who = principal('owner', { actions: ['everything', 'toString'] });
    for (const unknown of ['everything', 'toString', '__proto__', ''] as string[] as Action[]) {
      assert.equal(reachOf(who, unknown), 'none');
      assert.equal(reachOf(principal('owner'), unknown), 'none');
    }
  });

  it('refuses everything to nobody in particular, and to a role that nobody has heard of', () => {
    for (const roles of [[], ['god' as Role], ['toString' as Role]]) {
      for (const action of actions) assert.equal(reachOf(principal('owner', { roles }), action), 'none');
    }
  });

  it('lets an enterprise-admin without an enterprise, and a site without a site, reach nothing of one', () => {
    assert.equal(reachOf(principal('enterprise-admin', { enterprise: undefined }), 'site.read'), 'none');
    assert.equal(reachOf(principal('site', { site: undefined }), 'license.renew'), 'none');
    assert.equal(reachOf(principal('site', { enterprise: undefined }), 'license.renew'), 'none');
  });

  it('never takes two undefined enterprises for the same one', () => {
    const scoped = principal('admin', { enterprise: 'enterprise-1' });
    assert.equal(outcome(scoped, 'person.read', { organization: 'acme' }), 'NOT_FOUND');
    assert.equal(outcome(principal('enterprise-admin'), 'site.read', { organization: 'acme' }), 'NOT_FOUND');
  });

  it('keeps a token of one enterprise there with every role, and lets it read catalogs', () => {
    const scoped = principal('owner', { kind: 'token', enterprise: 'enterprise-1' });
    assert.equal(outcome(scoped, 'site.retire', NEIGHBOUR), 'done');
    assert.equal(outcome(scoped, 'site.retire', OTHER), 'NOT_FOUND');
    assert.equal(outcome(scoped, 'product.read', { organization: 'acme' }), 'done');
    assert.deepEqual(boundsOf(scoped, 'site.read'), { enterprise: 'enterprise-1' });
  });

  it('gives who is of one enterprise nothing that is about all, with no role', () => {
    const scoped = principal('owner', { roles: ROLES, enterprise: 'enterprise-1' });
    for (const action of actions.filter(isOfOrganization)) {
      assert.equal(reachOf(scoped, action), 'none', action);
      assert.throws(() => boundsOf(scoped, action), /the whole organization/);
    }
  });

  it('limits a token to its list of actions, and an empty list to nothing', () => {
    const reader = principal('owner', { kind: 'token', actions: ['site.read'] });
    assert.equal(outcome(reader, 'site.read', OTHER), 'done');
    assert.equal(outcome(reader, 'site.retire', OTHER), 'NOT_ALLOWED');
    const nothing = principal('owner', { kind: 'token', actions: [] });
    for (const action of actions) assert.equal(reachOf(nothing, action), 'none');
  });

  it('gives more roles never less', () => {
    const roles = fc.uniqueArray(fc.constantFrom(...ROLES));
    fc.assert(
      fc.property(roles, fc.constantFrom(...ROLES), fc.constantFrom(...actions), (some, one, action) => {
        const who = principal('site', { roles: some });
        const done = (roles: readonly Role[]) => outcome({ ...who, roles }, action, OWN) === 'done';
        assert.ok(!done(some) || done([...some, one]));
      }),
    );
  });

  it('lets an auditor change nothing', () => {
    const auditor = ROLES.indexOf('auditor');
    const changing = actions.filter((action) => ACTIONS[action].may[auditor] !== 'none');
    const harmless = /\.(read|preview|validate|export)$|^self\.change$/;
    assert.deepEqual(
      changing.filter((action) => !harmless.test(action)),
      [],
    );
  });

  it('leaves dangerous acts to owners and admins', () => {
    for (const action of DANGEROUS) {
      const who = ROLES.filter((_, at) => ACTIONS[action].may[at] !== 'none');
      assert.ok(
        who.every((role) => role === 'owner' || role === 'admin'),
        action,
      );
    }
  });

  it('gives who may make tokens all that a token may be made with', () => {
    for (const maker of ROLES.filter((role) => reachOf(principal(role), 'token.create') !== 'none')) {
      for (const role of ROLES.filter((one) => one !== 'site' && !POWERFUL.includes(one))) {
        assert.ok(!exceeds(principal(role), principal(maker)), `${maker} makes ${role}`);
      }
    }
  });

  it('says who is not allowed which right is needed', () => {
    assert.throws(() => authorize(principal('auditor'), 'site.create', OWN), hasCode('NOT_ALLOWED'));
    assert.throws(() => boundsOf(principal('auditor'), 'site.create'), /"site\.create"/);
  });
});

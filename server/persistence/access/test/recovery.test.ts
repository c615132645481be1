import assert from 'node:assert/strict';
import { acceptInvitation, inviteAgain, recoverOwner } from '../../../licensing/access/people.ts';
import { onBothHosts } from '../../test/test-database.ts';
import { accessDeps, addOrganization, addPerson, hasCode, inside, PASSWORD } from './access.ts';

onBothHosts('An owner who has lost the password', (getDatabase) => {
  it('is let in again by whoever runs the server, where the other owner alone may not', async () => {
    const deps = accessDeps(getDatabase());
    await addOrganization(deps, 'acme');
    const ann = await addPerson(deps, 'acme', 'ann@example.org', ['owner']);
    const ben = await addPerson(deps, 'acme', 'ben@example.org', ['owner']);
    await inside(deps, 'acme', async (tx) => {
      const { items } = await deps.organizations.list(tx, { limit: 1 });
      const settings = { ...items[0]!.settings, secondPerson: true };
      await deps.organizations.replace(tx, { ...items[0]!, settings, version: items[0]!.version + 1 });
    });
    const asked = await inside(deps, 'acme', (tx) => inviteAgain(deps, tx, ann, ben.id.slice('person:'.length)));
    assert.equal(asked.outcome, 'waiting');

    const recover = () => inside(deps, 'acme', (tx) => recoverOwner(deps, tx, 'acme', 'Ben@example.org'));
    const { person, invitation } = await recover();
    assert.equal(`person:${person.id}`, ben.id);
    const again = await recover();
    await assert.rejects(acceptInvitation(deps, invitation, PASSWORD), hasCode('INVITATION_REFUSED'));
    const { status, roles } = await acceptInvitation(deps, again.invitation, PASSWORD);
    assert.deepEqual([status, roles], ['active', ['owner']]);
    const { rows } = await inside(deps, 'acme', (tx) => deps.auditLog.search(tx, 'acme', { limit: 10, walk: 100 }));
    assert.ok(rows.some(({ actor, subject }) => actor === 'system:operator' && subject === ben.id));
  });

  it('is an owner: nobody becomes one by that, and who was disabled stays so', async () => {
    const deps = accessDeps(getDatabase());
    await addOrganization(deps, 'other');
    const gone = await addPerson(deps, 'other', 'gone@example.org', ['owner']);
    await addPerson(deps, 'other', 'fay@example.org', ['operator']);
    await inside(deps, 'other', async (tx) => {
      const person = await deps.stores.people.lock(tx, gone.id.slice('person:'.length));
      await deps.stores.people.replace(tx, { ...person!, status: 'disabled', version: person!.version + 1 });
    });
    for (const email of ['fay@example.org', 'none@example.org', 'gone@example.org']) {
      const recovered = inside(deps, 'other', (tx) => recoverOwner(deps, tx, 'other', email));
      await assert.rejects(recovered, hasCode('OWNER_NOT_FOUND'));
    }
  });
});

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { messageOf, namesOf, openAdmin, V3 } from './admin-fixture.ts';

const UNAUTHORIZED = 'The request you have made requires authentication.';

const { cloud, api } = await openAdmin();
after(() => cloud.close());

describe('users', () => {
  test('live through create, show, list, change, delete, and never show a password', async () => {
    const made = await api('POST', 'users', {
      user: {
        name: 'u1',
        password: 'pass word',
        domain_id: 'default',
        email: 'u@example.org',
        description: 'd',
        project_id: 'ignored',
      },
    });
    assert.equal(made.status, 201);
    const { user } = made.body;
    assert.deepEqual(user, {
      id: user.id,
      name: 'u1',
      domain_id: 'default',
      enabled: true,
      email: 'u@example.org',
      description: 'd',
      password_expires_at: null,
      options: {},
      links: { self: `http://cloud.example:9696/identity/v3/users/${user.id}` },
    });
    assert.deepEqual((await api('GET', `users/${user.id}`)).body, { user });
    assert.deepEqual(namesOf((await api('GET', 'users?name=u1')).body.users), ['u1']);
    assert.deepEqual((await api('GET', 'users?name=u1&enabled=False')).body.users, []);
    assert.deepEqual((await api('GET', 'users?domain_id=nope')).body.users, []);
    const changed = await api('PATCH', `users/${user.id}`, { user: { name: 'u1b', email: null } });
    assert.equal(changed.status, 200);
    assert.equal(changed.body.user.name, 'u1b');
    assert.equal(changed.body.user.email, undefined);
    assert.equal((await cloud.signIn('u1b', 'pass word')).status, 201);
    assert.deepEqual((await api('GET', `users/${user.id}/groups`)).body.groups, []);
    assert.deepEqual((await api('GET', `users/${user.id}/projects`)).body.projects, []);
    assert.equal((await api('DELETE', `users/${user.id}`)).status, 204);
    assert.equal(messageOf(await api('GET', `users/${user.id}`), 404), `Could not find user: ${user.id}.`);
    assert.equal((await cloud.signIn('u1b', 'pass word')).status, 401);
    const stored = await cloud.store.read((db) => db.selectFrom('users').selectAll().execute());
    assert.doesNotMatch(JSON.stringify(stored), /pass word/);
  });

  test('keep their id and domain', async () => {
    const { user } = (await api('POST', 'users', { user: { name: 'kept' } })).body;
    const patch = (change: unknown) => api('PATCH', `users/${user.id}`, { user: change });
    assert.equal(messageOf(await patch({}), 400), '{} does not have enough properties');
    assert.equal(messageOf(await patch({ id: 'other' }), 400), 'Cannot change ID');
    assert.equal(messageOf(await patch({ domain_id: 'other' }), 400), 'Cannot change Domain ID');
    assert.equal((await patch({ id: user.id, domain_id: 'default', name: 'kept2' })).body.user.name, 'kept2');
  });

  test('change their password by the one that they have, whoever asks', async () => {
    const { userId, token } = await cloud.member('changer');
    const other = await cloud.member('other-changer');
    const change = (id: string, original: string, by?: string) =>
      cloud.request('POST', `${V3}/users/${id}/password`, {
        token: by,
        body: { user: { original_password: original, password: 'new' } },
      });
    assert.equal(messageOf(await change(userId, 'wrong', token), 401), UNAUTHORIZED);
    assert.equal(messageOf(await change(userId, 'wrong', other.token), 401), UNAUTHORIZED);
    assert.equal(messageOf(await change('nobody', 'pw'), 401), UNAUTHORIZED);
    assert.equal((await change(userId, 'pw')).status, 204);
    assert.equal((await cloud.signIn('changer', 'new')).status, 201);
    await api('PATCH', `users/${userId}`, { user: { enabled: false } });
    assert.equal(messageOf(await change(userId, 'new'), 401), UNAUTHORIZED);
    const incomplete = await cloud.request('POST', `${V3}/users/${other.userId}/password`, {
      body: { user: { password: 'new' } },
    });
    assert.equal(messageOf(incomplete, 400), "'original_password' is a required property");
  });

  test('refuse what makes no sense', async () => {
    const post = (user: unknown) => api('POST', 'users', { user });
    assert.equal(messageOf(await api('POST', 'users', { users: {} }), 400), "'user' is a required property");
    for (const user of [
      {},
      { name: '' },
      { name: 'x'.repeat(256) },
      { name: 'x', password: '' },
      { name: 'x', password: 5 },
      { name: 'x', password: 'x'.repeat(5000) },
      { name: 'x', enabled: 1 },
      { name: 'x', options: { lock_password: true } },
    ]) {
      messageOf(await post(user), 400);
    }
    const locked = await post({ name: 'unlocked', options: { lock_password: false } });
    assert.deepEqual([locked.status, locked.body.user.options], [201, {}]);
    await post({ name: 'twin' });
    assert.match(messageOf(await post({ name: 'twin' }), 409), /^Conflict occurred attempting to store user - .*twin/);
    assert.equal(messageOf(await post({ name: 'x', domain_id: 'nope' }), 404), 'Could not find domain: nope.');
    messageOf(await api('PATCH', 'users/nope', { user: { name: 'y' } }), 404);
    messageOf(await api('DELETE', 'users/nope'), 404);
    messageOf(await api('GET', 'users/nope/projects'), 404);
  });
});

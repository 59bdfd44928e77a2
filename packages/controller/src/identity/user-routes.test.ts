import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { messageOf, namesOf, openAdmin } from './admin-fixture.ts';

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
    await post({ name: 'twin' });
    assert.match(messageOf(await post({ name: 'twin' }), 409), /^Conflict occurred attempting to store user - .*twin/);
    assert.equal(messageOf(await post({ name: 'x', domain_id: 'nope' }), 404), 'Could not find domain: nope.');
    messageOf(await api('PATCH', 'users/nope', { user: {} }), 404);
    messageOf(await api('DELETE', 'users/nope'), 404);
    messageOf(await api('GET', 'users/nope/projects'), 404);
  });
});

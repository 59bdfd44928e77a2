import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { ADMIN_PASSWORD, CloudFixture, TOKEN_LIFE, tokenOf } from './cloud-fixture.ts';

describe('tokens', () => {
  let cloud: CloudFixture;
  before(async () => {
    cloud = await CloudFixture.open();
  });
  after(() => cloud.close());

  test('say who holds them, with implied roles, and fit into a header', async () => {
    const token = await cloud.adminToken();
    const caller = cloud.identity.authenticate(token);
    assert.deepEqual(caller?.roles, ['admin', 'member', 'reader']);
    assert.equal(caller?.isAdmin, true);
    assert.match(caller?.projectId ?? '', /^[0-9a-f]{32}$/);
    assert.match(token, /^[A-Za-z0-9._-]{100,500}$/);
    const member = await cloud.member('says-who');
    const other = cloud.identity.authenticate(member.token);
    assert.deepEqual(other?.roles, ['member', 'reader']);
    assert.equal(other?.isAdmin, false);
    assert.equal(other?.userId, member.userId);
    assert.equal(other?.projectId, member.projectId);
  });

  test('that anyone changed, cut or made up are worth nothing', async () => {
    const token = await cloud.adminToken();
    const [key, claims, mac] = token.split('.') as [string, string, string];
    const forged = Buffer.from(claims, 'base64url')
      .toString()
      .replace('project', 'system')
      .replace(/\d{10}/g, '9999999999');
    const wrong = [
      '',
      '.',
      '..',
      `${key}.${claims}`,
      `${key}.${claims}.`,
      `${key}.${claims}.${mac}.`,
      `${key}.${claims}.${mac}=`,
      `.${claims}.${mac}`,
      `${key}.${Buffer.from(forged).toString('base64url')}.${mac}`,
      `${'0'.repeat(8)}.${claims}.${mac}`,
      token.slice(0, -1),
      `${token}A`,
      'x'.repeat(100_000),
    ];
    for (const text of wrong) assert.equal(cloud.identity.authenticate(text), undefined, text.slice(0, 80));
    fc.assert(
      fc.property(fc.nat(token.length - 1), fc.constantFrom(...'AZaz09-_.'), (at, character) => {
        const changed = token.slice(0, at) + character + token.slice(at + 1);
        const caller = cloud.identity.authenticate(changed);
        return changed === token ? caller !== undefined : caller === undefined;
      }),
      { numRuns: 500 },
    );
    fc.assert(fc.property(fc.string(), (text) => cloud.identity.authenticate(text) === undefined));
  });

  test('live as long as they shall, to the second', async () => {
    const token = await cloud.adminToken();
    cloud.advance(TOKEN_LIFE - 1);
    assert.ok(cloud.identity.authenticate(token));
    cloud.advance(1);
    assert.equal(cloud.identity.authenticate(token), undefined);
  });

  test('outlive a change of the signing key, which goes when none of its tokens can be left', async () => {
    const before = await cloud.adminToken();
    await cloud.identity.rotateSigningKey();
    const between = await cloud.adminToken();
    assert.notEqual(before.split('.')[0], between.split('.')[0]);
    assert.ok(cloud.identity.authenticate(before));
    assert.ok((await cloud.reopen()).authenticate(before));
    const keys = () => cloud.store.read((db) => db.selectFrom('signing_keys').select('id').execute());
    const many = (await keys()).length;
    cloud.advance(TOKEN_LIFE + 1);
    await cloud.identity.rotateSigningKey();
    assert.equal((await keys()).length, 2, `of ${many}, one that may have signed just now and the new one`);
  });

  test('fall with their key, and with themselves, where they were let in before, too', async () => {
    const kept = await cloud.adminToken();
    const revoked = await cloud.adminToken();
    for (const token of [kept, revoked]) assert.ok(cloud.identity.authenticate(token));
    await cloud.request('DELETE', '/identity/v3/auth/tokens', {
      token: kept,
      headers: { 'x-subject-token': revoked },
    });
    assert.equal(cloud.identity.authenticate(revoked), undefined);
    assert.ok(cloud.identity.authenticate(kept));
    await cloud.store.write((tx) => tx.db.deleteFrom('signing_keys').execute());
    await cloud.identity.rotateSigningKey();
    assert.equal(cloud.identity.authenticate(kept), undefined);
  });

  test('are signed by a new key after a month', async () => {
    const before = await cloud.adminToken();
    cloud.advance(31 * 24 * 3600);
    assert.notEqual((await cloud.adminToken()).split('.')[0], before.split('.')[0]);
  });

  test('that were revoked stay so over a restart, and are forgotten once expired', async () => {
    const [kept, gone] = [await cloud.adminToken(), await cloud.adminToken()];
    const headers = { 'x-subject-token': gone };
    const revoke = await cloud.request('DELETE', '/identity/v3/auth/tokens', { token: kept, headers });
    assert.equal(revoke.status, 204);
    assert.equal(cloud.identity.authenticate(gone), undefined);
    assert.ok(cloud.identity.authenticate(kept));
    const reopened = await cloud.reopen();
    assert.equal(reopened.authenticate(gone), undefined);
    assert.ok(reopened.authenticate(kept));
    cloud.advance(TOKEN_LIFE);
    const [last, admin] = [await cloud.adminToken(), await cloud.adminToken()];
    await cloud.request('DELETE', '/identity/v3/auth/tokens', { token: admin, headers: { 'x-subject-token': last } });
    const rows = await cloud.store.read((db) => db.selectFrom('revocations').selectAll().execute());
    assert.equal(rows.length, 1);
  });
});

describe('tokens are void at once', () => {
  let cloud: CloudFixture;
  let admin: string;
  before(async () => {
    cloud = await CloudFixture.open();
    admin = await cloud.adminToken();
  });
  after(() => cloud.close());

  const api = (method: 'PUT' | 'PATCH' | 'POST' | 'DELETE', path: string, body?: unknown) =>
    cloud.request(method, `/identity/v3/${path}`, { token: admin, body });
  const stands = async (token: string): Promise<boolean> => {
    const [now, reopened] = [cloud.identity.authenticate(token), (await cloud.reopen()).authenticate(token)];
    assert.equal(now === undefined, reopened === undefined, 'memory and store differ');
    return now !== undefined;
  };

  test('when an administrator sets the password', async () => {
    const { token, userId } = await cloud.member('password-set');
    assert.equal((await api('PATCH', `users/${userId}`, { user: { email: 'a@example.org' } })).status, 200);
    assert.equal(await stands(token), true);
    assert.equal((await api('PATCH', `users/${userId}`, { user: { password: 'new' } })).status, 200);
    assert.equal(await stands(token), false);
    assert.equal((await cloud.signIn('password-set', 'pw')).status, 401);
    assert.equal((await cloud.signIn('password-set', 'new')).status, 201);
  });

  test('when the user changes the password', async () => {
    const { token, userId } = await cloud.member('password-change');
    const change = (original: string) =>
      cloud.request('POST', `/identity/v3/users/${userId}/password`, {
        token,
        body: { user: { original_password: original, password: 'new' } },
      });
    assert.equal((await change('wrong')).status, 401);
    assert.equal(await stands(token), true);
    assert.equal((await change('pw')).status, 204);
    assert.equal(await stands(token), false);
  });

  test('when the user is disabled, also once enabled again', async () => {
    const { token, userId } = await cloud.member('disabled');
    await api('PATCH', `users/${userId}`, { user: { enabled: false } });
    assert.equal(await stands(token), false);
    assert.equal((await cloud.signIn('disabled', 'pw')).status, 401);
    await api('PATCH', `users/${userId}`, { user: { enabled: true } });
    assert.equal(await stands(token), false);
    assert.equal((await cloud.signIn('disabled', 'pw')).status, 201);
  });

  test('when the user is deleted', async () => {
    const { token, userId } = await cloud.member('deleted');
    assert.equal((await api('DELETE', `users/${userId}`)).status, 204);
    assert.equal(await stands(token), false);
  });

  test('when a role is taken away', async () => {
    const { token, userId, projectId } = await cloud.member('role-taken');
    const roles = await cloud.request('GET', `/identity/v3/projects/${projectId}/users/${userId}/roles`, {
      token: admin,
    });
    await api('DELETE', `projects/${projectId}/users/${userId}/roles/${roles.body.roles[0].id}`);
    assert.equal(await stands(token), false);
    assert.equal((await cloud.signIn('role-taken', 'pw', { project: { id: projectId } })).status, 401);
  });

  test('when the role is deleted', async () => {
    await api('POST', 'roles', { role: { name: 'passing' } });
    const { token } = await cloud.member('role-deleted', 'passing');
    const { body } = await cloud.request('GET', '/identity/v3/roles?name=passing', { token: admin });
    assert.equal((await api('DELETE', `roles/${body.roles[0].id}`)).status, 204);
    assert.equal(await stands(token), false);
  });

  test('when the project is disabled or deleted', async () => {
    const one = await cloud.member('project-disabled');
    await api('PATCH', `projects/${one.projectId}`, { project: { enabled: false } });
    assert.equal(await stands(one.token), false);
    assert.equal((await cloud.signIn('project-disabled', 'pw', { project: { id: one.projectId } })).status, 401);
    await api('PATCH', `projects/${one.projectId}`, { project: { enabled: true } });
    assert.equal(await stands(one.token), false);
    const two = await cloud.member('project-deleted');
    assert.equal((await api('DELETE', `projects/${two.projectId}`)).status, 204);
    assert.equal(await stands(two.token), false);
  });

  test('when the domain is disabled', async () => {
    const { domain } = (await api('POST', 'domains', { domain: { name: 'shut' } })).body;
    const { user } = (await api('POST', 'users', { user: { name: 'u', password: 'pw', domain_id: domain.id } })).body;
    const token = tokenOf(await cloud.signIn('u', 'pw', undefined, 'shut'));
    const guest = await cloud.member('guest');
    const { project } = (await api('POST', 'projects', { project: { name: 'p', domain_id: domain.id } })).body;
    const { body } = await cloud.request('GET', '/identity/v3/roles?name=member', { token: admin });
    await api('PUT', `projects/${project.id}/users/${guest.userId}/roles/${body.roles[0].id}`);
    assert.equal(await stands(token), true);
    await api('PATCH', `domains/${domain.id}`, { domain: { enabled: false } });
    assert.equal(await stands(token), false);
    assert.equal(await stands(guest.token), false, 'a guest of the domain');
    assert.equal((await cloud.signIn('u', 'pw', undefined, 'shut')).status, 401);
    assert.equal((await cloud.signIn('guest', 'pw', { project: { id: project.id } })).status, 401);
    assert.equal((await api('DELETE', `domains/${domain.id}`)).status, 204);
    assert.equal((await cloud.request('GET', `/identity/v3/users/${user.id}`, { token: admin })).status, 404);
  });

  test('but not when somebody else changes', async () => {
    const [one, two] = [await cloud.member('neighbour-1'), await cloud.member('neighbour-2')];
    await api('DELETE', `users/${one.userId}`);
    await api('DELETE', `projects/${one.projectId}`);
    assert.equal(await stands(two.token), true);
    assert.equal(await stands(admin), true);
  });

  test('a role given later shows in the next token, an implied one at once', async () => {
    await api('POST', 'roles', { role: { name: 'auditor' } });
    const { token } = await cloud.member('implied', 'auditor');
    assert.deepEqual(cloud.identity.authenticate(token)?.roles, ['auditor']);
    const { body } = await cloud.request('GET', '/identity/v3/roles', { token: admin });
    const id = (name: string) => body.roles.find((role: { name: string }) => role.name === name).id;
    assert.equal((await api('PUT', `roles/${id('auditor')}/implies/${id('reader')}`)).status, 201);
    assert.deepEqual(cloud.identity.authenticate(token)?.roles, ['auditor', 'reader']);
  });

  test('a password that changes while somebody signs in with the old one gives no token that stands', async () => {
    const { userId } = await cloud.member('race');
    const [signedIn] = await Promise.all([
      cloud.signIn('race', 'pw'),
      api('PATCH', `users/${userId}`, { user: { password: 'new' } }),
    ]);
    if (signedIn.status === 201) assert.equal(await stands(tokenOf(signedIn)), false);
    else assert.equal(signedIn.status, 401);
    assert.equal((await cloud.signIn('admin', ADMIN_PASSWORD)).status, 201);
  });
});

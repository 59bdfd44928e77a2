import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { messageOf, namesOf, openAdmin, V3 } from './admin-fixture.ts';
import { tokenOf } from './cloud-fixture.ts';

const { cloud, admin, api, roleId } = await openAdmin();
after(() => cloud.close());

describe('application credentials', () => {
  const path = (userId: string) => `users/${userId}/application_credentials`;
  const signIn = (credential: unknown, scope?: unknown) =>
    cloud.request('POST', `${V3}/auth/tokens`, {
      body: {
        auth: {
          identity: { methods: ['application_credential'], application_credential: credential },
          ...(scope !== undefined && { scope }),
        },
      },
    });

  test('bring their project and roles, and no more', async () => {
    const { token, userId, projectId } = await cloud.member('robot');
    const made = await api(
      'POST',
      path(userId),
      { application_credential: { name: 'c', roles: [{ name: 'reader' }] } },
      token,
    );
    assert.equal(made.status, 201);
    const credential = made.body.application_credential;
    assert.match(credential.secret, /^[\w-]{86}$/);
    assert.deepEqual(
      [credential.project_id, namesOf(credential.roles), credential.unrestricted, credential.expires_at],
      [projectId, ['reader'], false, null],
    );
    const shown = (await api('GET', `${path(userId)}/${credential.id}`, undefined, token)).body.application_credential;
    const { secret, ...rest } = credential;
    assert.deepEqual(shown, rest);
    assert.deepEqual((await api('GET', path(userId), undefined, token)).body.application_credentials, [rest]);
    assert.deepEqual((await api('GET', `${path(userId)}?name=x`, undefined, token)).body.application_credentials, []);
    for (const given of [
      { id: credential.id, secret },
      { name: 'c', secret, user: { id: userId } },
      { name: 'c', secret, user: { name: 'robot', domain: { id: 'default' } } },
    ]) {
      const answer = await signIn(given);
      assert.equal(answer.status, 201, JSON.stringify(answer.body));
      const document = answer.body.token;
      assert.deepEqual(document.application_credential, { id: credential.id, name: 'c', restricted: true });
      assert.deepEqual(
        [document.project.id, namesOf(document.roles), document.methods],
        [projectId, ['reader'], ['application_credential']],
      );
    }
    for (const wrong of [
      { id: credential.id, secret: 'x' },
      { name: 'nope', secret, user: { id: userId } },
      { name: 'c', secret, user: { id: 'nope' } },
      { name: 'c', secret, user: { name: 'x', domain: { id: 'nope' } } },
    ]) {
      assert.equal((await signIn(wrong)).status, 401);
    }
    assert.equal((await signIn({ id: credential.id, secret }, { project: { id: projectId } })).status, 401);
    messageOf(await signIn({ secret }), 400);
    messageOf(await signIn({ name: 'c', secret }), 400);
  });

  test('make tokens that cannot leave their project nor make further credentials', async () => {
    const { token, userId, projectId } = await cloud.member('confined');
    const { body } = await api('POST', path(userId), { application_credential: { name: 'c', secret: 'known' } }, token);
    const { id } = body.application_credential;
    const robot = tokenOf(await signIn({ id, secret: 'known' }));
    const rescope = (scope?: unknown) =>
      cloud.request('POST', `${V3}/auth/tokens`, {
        body: {
          auth: { identity: { methods: ['token'], token: { id: robot } }, ...(scope !== undefined && { scope }) },
        },
      });
    assert.equal((await rescope({ project: { id: projectId } })).status, 201);
    assert.equal((await rescope()).body.token.application_credential.id, id);
    assert.equal((await rescope('unscoped')).status, 401);
    assert.equal((await rescope({ system: { all: true } })).status, 401);
    messageOf(await api('POST', path(userId), { application_credential: { name: 'd' } }, robot), 403);
    messageOf(await api('DELETE', `${path(userId)}/${id}`, undefined, robot), 403);
    assert.equal((await api('DELETE', `${path(userId)}/${id}`, undefined, token)).status, 204);
    assert.equal(cloud.identity.authenticate(robot), undefined);
    assert.equal((await signIn({ id, secret: 'known' })).status, 401);
    messageOf(await api('DELETE', `${path(userId)}/${id}`, undefined, token), 404);
  });

  test('that are unrestricted may', async () => {
    const { token, userId } = await cloud.member('unrestricted');
    await api('POST', path(userId), { application_credential: { name: 'c', secret: 's', unrestricted: true } }, token);
    const robot = tokenOf(await signIn({ name: 'c', secret: 's', user: { id: userId } }));
    assert.equal((await api('POST', path(userId), { application_credential: { name: 'd' } }, robot)).status, 201);
  });

  test('end when they shall, and when their owner loses the role', async () => {
    const { token, userId, projectId } = await cloud.member('mortal');
    const expires = '2026-11-23T20:50:32';
    await api('POST', path(userId), { application_credential: { name: 'c', secret: 's', expires_at: expires } }, token);
    const given = { name: 'c', secret: 's', user: { id: userId } };
    const first = await signIn(given);
    assert.equal(first.body.token.expires_at, '2026-11-23T20:50:32.000000Z');
    cloud.advance(600);
    assert.equal(cloud.identity.authenticate(tokenOf(first)), undefined);
    assert.equal((await signIn(given)).status, 401);
    await api('POST', path(userId), { application_credential: { name: 'e', secret: 's' } }, token);
    const second = tokenOf(await signIn({ ...given, name: 'e' }));
    await api('DELETE', `projects/${projectId}/users/${userId}/roles/${await roleId('member')}`);
    assert.equal(cloud.identity.authenticate(second), undefined);
    assert.equal((await signIn({ ...given, name: 'e' })).status, 401);
  });

  test('refuse what makes no sense', async () => {
    const { token, userId } = await cloud.member('senseless');
    const post = (credential: unknown, by = token) =>
      api('POST', path(userId), { application_credential: credential }, by);
    messageOf(await api('POST', path(userId), {}, token), 400);
    for (const credential of [
      {},
      { name: '' },
      { name: 'a', roles: [{ name: 'admin' }] },
      { name: 'a', roles: [{}] },
      { name: 'a', expires_at: 'soon' },
      { name: 'a', expires_at: '2020-01-01T00:00:00' },
      { name: 'a', access_rules: [{}] },
    ]) {
      messageOf(await post(credential), 400);
    }
    assert.equal((await post({ name: 'a' })).status, 201);
    messageOf(await post({ name: 'a' }), 409);
    messageOf(await post({ name: 'b' }, admin), 403);
    const unscoped = tokenOf(await cloud.signIn('senseless', 'pw', 'unscoped'));
    messageOf(await post({ name: 'b' }, unscoped), 400);
    const stranger = await cloud.member('stranger');
    messageOf(await api('GET', path(userId), undefined, stranger.token), 403);
  });
});

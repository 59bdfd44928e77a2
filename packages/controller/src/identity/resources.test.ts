import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Answer, CloudFixture, tokenOf } from './cloud-fixture.ts';

let cloud: CloudFixture;
let admin: string;
before(async () => {
  cloud = await CloudFixture.open();
  admin = await cloud.adminToken();
});
after(() => cloud.close());

const V3 = '/identity/v3';
type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
const api = (method: Method, path: string, body?: unknown, token = admin): Promise<Answer> =>
  cloud.request(method, `${V3}/${path}`, { token, body });
const names = (list: { name: string }[]): string[] => list.map((item) => item.name);
const roleId = async (name: string): Promise<string> => (await api('GET', `roles?name=${name}`)).body.roles[0].id;
const message = (answer: Answer, status: number): string => {
  assert.equal(answer.status, status, JSON.stringify(answer.body));
  assert.equal(answer.body.error.code, status);
  return answer.body.error.message;
};

describe('projects', () => {
  test('live through create, show, list, change, delete', async () => {
    const made = await api('POST', 'projects', {
      project: { name: 'p1', description: 'one', tags: ['b', 'a', 'a'], domain_id: 'default' },
    });
    assert.equal(made.status, 201);
    const { project } = made.body;
    assert.match(project.id, /^[0-9a-f]{32}$/);
    assert.deepEqual(project, {
      id: project.id,
      name: 'p1',
      domain_id: 'default',
      description: 'one',
      enabled: true,
      parent_id: 'default',
      is_domain: false,
      tags: ['a', 'b'],
      options: {},
      links: { self: `http://cloud.example:9696/identity/v3/projects/${project.id}` },
    });
    assert.deepEqual((await api('GET', `projects/${project.id}`)).body, { project });
    const changed = await api('PATCH', `projects/${project.id}`, { project: { name: 'p1b', tags: ['c'] } });
    assert.equal(changed.status, 200);
    assert.deepEqual([changed.body.project.name, changed.body.project.tags], ['p1b', ['c']]);
    assert.equal(changed.body.project.description, 'one');
    assert.equal((await api('DELETE', `projects/${project.id}`)).status, 204);
    assert.equal(message(await api('GET', `projects/${project.id}`), 404), `Could not find project: ${project.id}.`);
    assert.equal(message(await api('DELETE', `projects/${project.id}`), 404), `Could not find project: ${project.id}.`);
  });

  test('are filtered', async () => {
    await api('POST', 'projects', { project: { name: 'f1', tags: ['red', 'big'] } });
    await api('POST', 'projects', { project: { name: 'f2', tags: ['red'], enabled: false } });
    const list = async (query: string) => {
      const { status, body } = await api('GET', `projects?${query}`);
      assert.equal(status, 200);
      assert.deepEqual([body.links.next, body.links.previous], [null, null]);
      assert.equal(body.links.self, `http://cloud.example:9696/identity/v3/projects?${query}`);
      return names(body.projects).filter((name) => name.startsWith('f'));
    };
    assert.deepEqual(await list('name=f1'), ['f1']);
    assert.deepEqual(await list('name=nope'), []);
    assert.deepEqual(await list('domain_id=default'), ['f1', 'f2']);
    assert.deepEqual(await list('domain_id=nope'), []);
    assert.deepEqual(await list('enabled=False'), ['f2']);
    assert.deepEqual(await list('enabled=True'), ['f1']);
    assert.deepEqual(await list('enabled'), ['f1']);
    assert.deepEqual(await list('is_domain=true'), []);
    assert.deepEqual(await list('parent_id=default'), ['f1', 'f2']);
    assert.deepEqual(await list('tags=red,big'), ['f1']);
    assert.deepEqual(await list('tags-any=big,nope'), ['f1']);
    assert.deepEqual(await list('not-tags=red,big'), ['f2']);
    assert.deepEqual(await list('not-tags-any=big'), ['f2']);
    assert.deepEqual(await list('name=f1&name=f2'), ['f2']);
  });

  test('refuse what makes no sense', async () => {
    const post = (project: unknown) => api('POST', 'projects', { project });
    assert.equal(message(await api('POST', 'projects', {}), 400), "'project' is a required property");
    assert.match(message(await post({}), 400), /'name' is a required property/);
    for (const project of [
      { name: '' },
      { name: '  ' },
      { name: 'x'.repeat(65) },
      { name: 5 },
      { name: null },
      { name: 'ok', enabled: 'yes' },
      { name: 'ok', tags: ['a,b'] },
      { name: 'ok', is_domain: true },
      { name: 'ok', options: { immutable: true } },
      'text',
      [],
      null,
    ]) {
      message(await post(project), 400);
    }
    await post({ name: 'taken' });
    assert.match(
      message(await post({ name: 'taken' }), 409),
      /^Conflict occurred attempting to store project - .*taken/,
    );
    const other = (await post({ name: 'other' })).body.project;
    message(await api('PATCH', `projects/${other.id}`, { project: { name: 'taken' } }), 409);
    assert.equal(message(await post({ name: 'x', domain_id: 'nope' }), 404), 'Could not find domain: nope.');
    assert.equal(message(await post({ name: 'x', parent_id: 'nope' }), 404), 'Could not find project: nope.');
    const child = (await post({ name: 'child', parent_id: other.id })).body.project;
    assert.equal(child.parent_id, other.id);
    assert.match(message(await api('DELETE', `projects/${other.id}`), 403), /not a leaf/);
    assert.equal((await api('DELETE', `projects/${child.id}`)).status, 204);
    assert.equal((await api('DELETE', `projects/${other.id}`)).status, 204);
  });

  test('that go leave no assignment, credential, default or tag behind', async () => {
    const { userId, projectId, token } = await cloud.member('leftovers');
    await api('PATCH', `users/${userId}`, { user: { default_project_id: projectId } });
    await api('PATCH', `projects/${projectId}`, { project: { tags: ['t'] } });
    await api('POST', `users/${userId}/application_credentials`, { application_credential: { name: 'a' } }, token);
    await api('DELETE', `projects/${projectId}`);
    assert.equal((await api('GET', `users/${userId}`)).body.user.default_project_id, undefined);
    assert.deepEqual((await api('GET', `role_assignments?user.id=${userId}`)).body.role_assignments, []);
    assert.deepEqual((await api('GET', `users/${userId}/application_credentials`)).body.application_credentials, []);
    const tags = await cloud.store.read((db) =>
      db.selectFrom('tags').selectAll().where('resource_id', '=', projectId).execute(),
    );
    assert.deepEqual(tags, []);
  });
});

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
    assert.deepEqual(names((await api('GET', 'users?name=u1')).body.users), ['u1']);
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
    assert.equal(message(await api('GET', `users/${user.id}`), 404), `Could not find user: ${user.id}.`);
    assert.equal((await cloud.signIn('u1b', 'pass word')).status, 401);
    const stored = await cloud.store.read((db) => db.selectFrom('users').selectAll().execute());
    assert.doesNotMatch(JSON.stringify(stored), /pass word/);
  });

  test('refuse what makes no sense', async () => {
    const post = (user: unknown) => api('POST', 'users', { user });
    assert.equal(message(await api('POST', 'users', { users: {} }), 400), "'user' is a required property");
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
      message(await post(user), 400);
    }
    await post({ name: 'twin' });
    assert.match(message(await post({ name: 'twin' }), 409), /^Conflict occurred attempting to store user - .*twin/);
    assert.equal(message(await post({ name: 'x', domain_id: 'nope' }), 404), 'Could not find domain: nope.');
    message(await api('PATCH', 'users/nope', { user: {} }), 404);
    message(await api('DELETE', 'users/nope'), 404);
    message(await api('GET', 'users/nope/projects'), 404);
  });
});

describe('roles and grants', () => {
  test('roles live through create, show, list, change, delete', async () => {
    const made = await api('POST', 'roles', { role: { name: 'operator' } });
    assert.equal(made.status, 201);
    const { role } = made.body;
    assert.deepEqual(role, {
      id: role.id,
      name: 'operator',
      domain_id: null,
      description: null,
      options: {},
      links: { self: `http://cloud.example:9696/identity/v3/roles/${role.id}` },
    });
    assert.deepEqual((await api('GET', `roles/${role.id}`)).body, { role });
    assert.deepEqual(names((await api('GET', 'roles')).body.roles).slice(0, 3), ['admin', 'member', 'operator']);
    assert.deepEqual((await api('GET', 'roles?domain_id=default')).body.roles, []);
    assert.match(message(await api('POST', 'roles', { role: { name: 'operator' } }), 409), /store role/);
    assert.equal(
      (await api('PATCH', `roles/${role.id}`, { role: { name: 'op', description: 'd' } })).body.role.name,
      'op',
    );
    message(await api('PATCH', `roles/${role.id}`, { role: { name: 'admin' } }), 409);
    assert.equal((await api('DELETE', `roles/${role.id}`)).status, 204);
    assert.equal(message(await api('GET', `roles/${role.id}`), 404), `Could not find role: ${role.id}.`);
    message(await api('POST', 'roles', { role: { name: 'x', domain_id: 'default' } }), 400);
    message(await api('POST', 'roles', {}), 400);
  });

  test('those that rules know stay', async () => {
    for (const name of ['admin', 'member', 'reader']) {
      const id = await roleId(name);
      message(await api('DELETE', `roles/${id}`), 403);
      message(await api('PATCH', `roles/${id}`, { role: { name: 'x' } }), 403);
      assert.equal((await api('PATCH', `roles/${id}`, { role: { description: 'known' } })).status, 200);
    }
  });

  test('imply others, in no circle', async () => {
    const { role } = (await api('POST', 'roles', { role: { name: 'implying' } })).body;
    const [adminId, member, reader] = [await roleId('admin'), await roleId('member'), await roleId('reader')];
    const path = `roles/${role.id}/implies/${reader}`;
    message(await api('HEAD', path).then((head) => ({ ...head, body: { error: { code: head.status } } })), 404);
    const put = await api('PUT', path);
    assert.equal(put.status, 201);
    assert.equal(put.body.role_inference.implies.name, 'reader');
    assert.equal((await api('PUT', path)).status, 201);
    assert.equal((await api('HEAD', path)).status, 204);
    assert.equal((await api('GET', path)).body.role_inference.prior_role.name, 'implying');
    assert.deepEqual(names((await api('GET', `roles/${role.id}/implies`)).body.role_inference.implies), ['reader']);
    const rules = (await api('GET', 'role_inferences')).body.role_inferences;
    assert.deepEqual(
      rules.map((rule: { prior_role: { name: string }; implies: { name: string }[] }) => [
        rule.prior_role.name,
        names(rule.implies),
      ]),
      [
        ['admin', ['member']],
        ['implying', ['reader']],
        ['member', ['reader']],
      ],
    );
    message(await api('PUT', `roles/${reader}/implies/${member}`), 400);
    message(await api('PUT', `roles/${role.id}/implies/${role.id}`), 400);
    message(await api('PUT', `roles/${role.id}/implies/${adminId}`), 403);
    message(await api('PUT', `roles/${role.id}/implies/nope`), 404);
    assert.equal((await api('DELETE', path)).status, 204);
    message(await api('DELETE', path), 404);
    message(await api('GET', 'roles/nope/implies'), 404);
    await api('PUT', `roles/${role.id}/implies/${reader}`);
    assert.equal((await api('DELETE', `roles/${role.id}`)).status, 204);
  });

  test('are granted on projects, domains and the system', async () => {
    const { userId, projectId } = await cloud.member('granted');
    const [member, reader] = [await roleId('member'), await roleId('reader')];
    for (const target of [`projects/${projectId}`, 'domains/default', 'system']) {
      const path = `${target}/users/${userId}/roles`;
      assert.equal((await api('PUT', `${path}/${reader}`)).status, 204);
      assert.equal((await api('PUT', `${path}/${reader}`)).status, 204, 'again');
      assert.equal((await api('HEAD', `${path}/${reader}`)).status, 204);
      assert.equal((await api('GET', `${path}/${reader}`)).status, 204);
      const list = await api('GET', path);
      assert.ok(names(list.body.roles).includes('reader'));
      assert.equal((await api('DELETE', `${path}/${reader}`)).status, 204);
      assert.equal((await api('HEAD', `${path}/${reader}`)).status, 404);
      assert.match(
        message(await api('DELETE', `${path}/${reader}`), 404),
        /^Could not find role assignment with role: /,
      );
      message(await api('PUT', `${path}/nope`), 404);
      message(await api('PUT', `${target}/users/nope/roles/${member}`), 404);
      message(await api('GET', `${target}/users/nope/roles`), 404);
      assert.equal(message(await api('GET', `${target}/groups/g/roles`), 404), 'Could not find group: g.');
      message(await api('PUT', `${target}/groups/g/roles/${member}`), 404);
    }
    message(await api('PUT', `projects/nope/users/${userId}/roles/${member}`), 404);
    message(await api('PUT', `domains/nope/users/${userId}/roles/${member}`), 404);
  });

  test('are listed as assignments', async () => {
    const { userId, projectId } = await cloud.member('assigned', 'admin');
    const [adminId, reader] = [await roleId('admin'), await roleId('reader')];
    await api('PUT', `system/users/${userId}/roles/${reader}`);
    await api('PUT', `domains/default/users/${userId}/roles/${reader}`);
    const list = async (query: string) =>
      (await api('GET', `role_assignments?user.id=${userId}&${query}`)).body.role_assignments;
    assert.equal((await list('')).length, 3);
    const [direct] = await list(`scope.project.id=${projectId}`);
    assert.deepEqual(direct, {
      role: { id: adminId },
      user: { id: userId },
      scope: { project: { id: projectId } },
      links: {
        assignment: `http://cloud.example:9696/identity/v3/projects/${projectId}/users/${userId}/roles/${adminId}`,
      },
    });
    const effective = await list(`scope.project.id=${projectId}&effective&include_names=True`);
    assert.deepEqual(names(effective.map((item: { role: { name: string } }) => item.role)), [
      'admin',
      'member',
      'reader',
    ]);
    assert.deepEqual(effective[0].user, { id: userId, name: 'assigned', domain: { id: 'default', name: 'Default' } });
    assert.deepEqual(effective[0].scope.project.domain, { id: 'default', name: 'Default' });
    assert.equal(
      effective[2].links.prior_role,
      `http://cloud.example:9696/identity/v3/roles/${adminId}/implies/${reader}`,
    );
    const system = await list('scope.system=all&include_names');
    assert.deepEqual(system[0].scope, { system: { all: true } });
    assert.deepEqual((await list('scope.domain.id=default&include_names'))[0].scope.domain, {
      id: 'default',
      name: 'Default',
    });
    assert.equal((await list(`role.id=${reader}`)).length, 2);
    assert.equal((await list(`role.id=${reader}&effective`)).length, 3);
    assert.deepEqual(await list('group.id=x'), []);
    message(await api('GET', `role_assignments?scope.project.id=${projectId}&scope.system=all`), 400);
  });
});

describe('domains', () => {
  test('live through create, show, list, change, delete', async () => {
    const made = await api('POST', 'domains', { domain: { name: 'd1', description: 'x' } });
    assert.equal(made.status, 201);
    const { domain } = made.body;
    assert.deepEqual(
      [domain.name, domain.description, domain.enabled, domain.tags, domain.options],
      ['d1', 'x', true, [], {}],
    );
    message(await api('POST', 'domains', { domain: { name: 'd1' } }), 409);
    assert.deepEqual(names((await api('GET', 'domains?name=Default')).body.domains), ['Default']);
    assert.deepEqual(names((await api('GET', 'domains?enabled=false')).body.domains), []);
    assert.equal((await api('GET', 'domains/default')).body.domain.name, 'Default');
    assert.match(message(await api('DELETE', `domains/${domain.id}`), 403), /disable it first/);
    const parent = (await api('POST', 'projects', { project: { name: 'dp', domain_id: domain.id } })).body.project;
    await api('POST', 'projects', { project: { name: 'dc', domain_id: domain.id, parent_id: parent.id } });
    await api('POST', 'users', { user: { name: 'du', domain_id: domain.id } });
    assert.equal(
      (await api('PATCH', `domains/${domain.id}`, { domain: { enabled: false } })).body.domain.enabled,
      false,
    );
    assert.equal((await api('DELETE', `domains/${domain.id}`)).status, 204);
    assert.deepEqual((await api('GET', `projects?domain_id=${domain.id}`)).body.projects, []);
    assert.deepEqual((await api('GET', `users?domain_id=${domain.id}`)).body.users, []);
    assert.equal(message(await api('GET', `domains/${domain.id}`), 404), `Could not find domain: ${domain.id}.`);
  });

  test('the default one stays', async () => {
    message(await api('PATCH', 'domains/default', { domain: { enabled: false } }), 403);
    message(await api('DELETE', 'domains/default'), 403);
  });
});

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
      [credential.project_id, names(credential.roles), credential.unrestricted, credential.expires_at],
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
        [document.project.id, names(document.roles), document.methods],
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
    message(await signIn({ secret }), 400);
    message(await signIn({ name: 'c', secret }), 400);
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
    message(await api('POST', path(userId), { application_credential: { name: 'd' } }, robot), 403);
    message(await api('DELETE', `${path(userId)}/${id}`, undefined, robot), 403);
    assert.equal((await api('DELETE', `${path(userId)}/${id}`, undefined, token)).status, 204);
    assert.equal(cloud.identity.authenticate(robot), undefined);
    assert.equal((await signIn({ id, secret: 'known' })).status, 401);
    message(await api('DELETE', `${path(userId)}/${id}`, undefined, token), 404);
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
    message(await api('POST', path(userId), {}, token), 400);
    for (const credential of [
      {},
      { name: '' },
      { name: 'a', roles: [{ name: 'admin' }] },
      { name: 'a', roles: [{}] },
      { name: 'a', expires_at: 'soon' },
      { name: 'a', expires_at: '2020-01-01T00:00:00' },
      { name: 'a', access_rules: [{}] },
    ]) {
      message(await post(credential), 400);
    }
    assert.equal((await post({ name: 'a' })).status, 201);
    message(await post({ name: 'a' }), 409);
    message(await post({ name: 'b' }, admin), 403);
    const unscoped = tokenOf(await cloud.signIn('senseless', 'pw', 'unscoped'));
    message(await post({ name: 'b' }, unscoped), 400);
    const stranger = await cloud.member('stranger');
    message(await api('GET', path(userId), undefined, stranger.token), 403);
  });
});

describe('the catalog and what there is none of', () => {
  test('services, endpoints and regions are shown and cannot be changed', async () => {
    const services = (await api('GET', 'services')).body.services;
    assert.deepEqual(names(services), ['keystone', 'neutron', 'nova', 'glance']);
    assert.deepEqual(names((await api('GET', 'services?type=network')).body.services), ['neutron']);
    const [service] = services;
    assert.equal((await api('GET', `services/${service.id}`)).body.service.type, 'identity');
    const endpoints = (await api('GET', `endpoints?service_id=${service.id}&interface=public`)).body.endpoints;
    assert.deepEqual(
      endpoints.map((endpoint: { url: string }) => endpoint.url),
      ['http://cloud.example:9696/identity/v3/'],
    );
    assert.equal((await api('GET', 'endpoints')).body.endpoints.length, 12);
    assert.equal((await api('GET', `endpoints/${endpoints[0].id}`)).body.endpoint.region_id, 'RegionOne');
    assert.deepEqual((await api('GET', 'endpoints?region_id=nope')).body.endpoints, []);
    assert.equal((await api('GET', 'regions')).body.regions[0].id, 'RegionOne');
    assert.equal((await api('GET', 'regions/RegionOne')).body.region.id, 'RegionOne');
    for (const path of ['services/x', 'endpoints/x', 'regions/x']) message(await api('GET', path), 404);
    message(await api('POST', 'services', { service: {} }), 403);
    message(await api('DELETE', `endpoints/${endpoints[0].id}`), 403);
  });

  test('empty lists of the rest', async () => {
    for (const name of ['groups', 'credentials', 'policies', 'limits', 'registered_limits']) {
      const { status, body } = await api('GET', name);
      assert.equal(status, 200);
      assert.deepEqual(body[name], []);
      message(await api('GET', `${name}/x`), 404);
    }
    assert.equal(message(await api('GET', 'nothing/of/the/kind'), 404), 'The resource could not be found.');
  });
});

test('who is no admin sees and changes its own, and no more', async () => {
  const { token, userId, projectId } = await cloud.member('plain');
  const other = await cloud.member('plain-other');
  const allowed: [Method, string, number, unknown?][] = [
    ['GET', `users/${userId}`, 200],
    ['GET', `users/${userId}/projects`, 200],
    ['GET', `users/${userId}/groups`, 200],
    ['GET', `users/${userId}/access_rules`, 200],
    ['GET', `projects/${projectId}`, 200],
    ['GET', 'domains/default', 200],
    ['GET', 'regions', 200],
    ['GET', 'credentials', 200],
    ['GET', 'limits', 200],
  ];
  for (const [method, path, status] of allowed) {
    assert.equal((await api(method, path, undefined, token)).status, status, path);
  }
  const refused: [Method, string, string][] = [
    ['GET', 'users', 'list_users'],
    ['GET', 'users/admin', 'get_user'],
    ['GET', `users/${other.userId}`, 'get_user'],
    ['GET', `users/${other.userId}/projects`, 'list_user_projects'],
    ['POST', 'users', 'create_user'],
    ['PATCH', `users/${userId}`, 'update_user'],
    ['DELETE', `users/${userId}`, 'delete_user'],
    ['POST', `users/${other.userId}/password`, 'change_password'],
    ['GET', 'projects', 'list_projects'],
    ['GET', `projects/${other.projectId}`, 'get_project'],
    ['POST', 'projects', 'create_project'],
    ['PATCH', `projects/${projectId}`, 'update_project'],
    ['DELETE', `projects/${projectId}`, 'delete_project'],
    ['GET', 'roles', 'list_roles'],
    ['GET', 'roles/x', 'get_role'],
    ['POST', 'roles', 'create_role'],
    ['PATCH', 'roles/x', 'update_role'],
    ['DELETE', 'roles/x', 'delete_role'],
    ['GET', 'role_inferences', 'list_role_inference_rules'],
    ['GET', 'roles/x/implies', 'list_implied_roles'],
    ['GET', 'roles/x/implies/y', 'get_implied_role'],
    ['PUT', 'roles/x/implies/y', 'create_implied_role'],
    ['DELETE', 'roles/x/implies/y', 'delete_implied_role'],
    ['GET', 'role_assignments', 'list_role_assignments'],
    ['GET', `projects/${projectId}/users/${userId}/roles`, 'list_grants'],
    ['GET', `projects/${projectId}/users/${userId}/roles/x`, 'check_grant'],
    ['PUT', `projects/${projectId}/users/${userId}/roles/x`, 'create_grant'],
    ['DELETE', `projects/${projectId}/users/${userId}/roles/x`, 'revoke_grant'],
    ['GET', 'domains', 'list_domains'],
    ['GET', 'domains/other', 'get_domain'],
    ['POST', 'domains', 'create_domain'],
    ['PATCH', 'domains/default', 'update_domain'],
    ['DELETE', 'domains/default', 'delete_domain'],
    ['GET', 'services', 'list_services'],
    ['GET', 'services/x', 'get_service'],
    ['GET', 'endpoints', 'list_endpoints'],
    ['GET', 'endpoints/x', 'get_endpoint'],
    ['POST', 'services', 'change_services'],
    ['GET', 'groups', 'list_groups'],
    ['GET', 'policies', 'list_policies'],
  ];
  for (const [method, path, action] of refused) {
    const answer = await api(method, path, method === 'GET' ? undefined : {}, token);
    assert.equal(
      message(answer, 403),
      `You are not authorized to perform the requested action: identity:${action}.`,
      `${method} ${path}`,
    );
    assert.equal((await cloud.request(method, `${V3}/${path}`)).status, 401, `${method} ${path} without a token`);
  }
});

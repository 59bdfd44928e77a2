import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { messageOf, namesOf, openAdmin } from './admin-fixture.ts';

const { cloud, api, roleId } = await openAdmin();
after(() => cloud.close());

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
    assert.deepEqual(namesOf((await api('GET', 'roles')).body.roles).slice(0, 3), ['admin', 'member', 'operator']);
    assert.deepEqual((await api('GET', 'roles?domain_id=default')).body.roles, []);
    assert.match(messageOf(await api('POST', 'roles', { role: { name: 'operator' } }), 409), /store role/);
    assert.equal(
      (await api('PATCH', `roles/${role.id}`, { role: { name: 'op', description: 'd' } })).body.role.name,
      'op',
    );
    messageOf(await api('PATCH', `roles/${role.id}`, { role: { name: 'admin' } }), 409);
    assert.equal((await api('DELETE', `roles/${role.id}`)).status, 204);
    assert.equal(messageOf(await api('GET', `roles/${role.id}`), 404), `Could not find role: ${role.id}.`);
    messageOf(await api('POST', 'roles', { role: { name: 'x', domain_id: 'default' } }), 400);
    messageOf(await api('POST', 'roles', {}), 400);
  });

  test('those that rules know stay', async () => {
    for (const name of ['admin', 'member', 'reader']) {
      const id = await roleId(name);
      messageOf(await api('DELETE', `roles/${id}`), 403);
      messageOf(await api('PATCH', `roles/${id}`, { role: { name: 'x' } }), 403);
      assert.equal((await api('PATCH', `roles/${id}`, { role: { description: 'known' } })).status, 200);
    }
  });

  test('imply others, in no circle', async () => {
    const { role } = (await api('POST', 'roles', { role: { name: 'implying' } })).body;
    const [adminId, member, reader] = [await roleId('admin'), await roleId('member'), await roleId('reader')];
    const path = `roles/${role.id}/implies/${reader}`;
    messageOf(await api('HEAD', path).then((head) => ({ ...head, body: { error: { code: head.status } } })), 404);
    const put = await api('PUT', path);
    assert.equal(put.status, 201);
    assert.equal(put.body.role_inference.implies.name, 'reader');
    assert.equal((await api('PUT', path)).status, 201);
    assert.equal((await api('HEAD', path)).status, 204);
    assert.equal((await api('GET', path)).body.role_inference.prior_role.name, 'implying');
    assert.deepEqual(namesOf((await api('GET', `roles/${role.id}/implies`)).body.role_inference.implies), ['reader']);
    const rules = (await api('GET', 'role_inferences')).body.role_inferences;
    assert.deepEqual(
      rules.map((rule: { prior_role: { name: string }; implies: { name: string }[] }) => [
        rule.prior_role.name,
        namesOf(rule.implies),
      ]),
      [
        ['admin', ['member']],
        ['implying', ['reader']],
        ['member', ['reader']],
      ],
    );
    messageOf(await api('PUT', `roles/${reader}/implies/${member}`), 400);
    messageOf(await api('PUT', `roles/${role.id}/implies/${role.id}`), 400);
    messageOf(await api('PUT', `roles/${role.id}/implies/${adminId}`), 403);
    messageOf(await api('PUT', `roles/${role.id}/implies/nope`), 404);
    assert.equal((await api('DELETE', path)).status, 204);
    messageOf(await api('DELETE', path), 404);
    messageOf(await api('GET', 'roles/nope/implies'), 404);
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
      assert.ok(namesOf(list.body.roles).includes('reader'));
      assert.equal((await api('DELETE', `${path}/${reader}`)).status, 204);
      assert.equal((await api('HEAD', `${path}/${reader}`)).status, 404);
      assert.match(
        messageOf(await api('DELETE', `${path}/${reader}`), 404),
        /^Could not find role assignment with role: /,
      );
      messageOf(await api('PUT', `${path}/nope`), 404);
      messageOf(await api('PUT', `${target}/users/nope/roles/${member}`), 404);
      messageOf(await api('GET', `${target}/users/nope/roles`), 404);
      assert.equal(messageOf(await api('GET', `${target}/groups/g/roles`), 404), 'Could not find group: g.');
      messageOf(await api('PUT', `${target}/groups/g/roles/${member}`), 404);
    }
    messageOf(await api('PUT', `projects/nope/users/${userId}/roles/${member}`), 404);
    messageOf(await api('PUT', `domains/nope/users/${userId}/roles/${member}`), 404);
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
    assert.deepEqual(namesOf(effective.map((item: { role: { name: string } }) => item.role)), [
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
    assert.deepEqual((await api('GET', 'role_assignments?group.id=x')).body.role_assignments, []);
    assert.equal(
      messageOf(await api('GET', 'role_assignments?user.id=x&group.id=x'), 400),
      'Specify a user or group, not both',
    );
    messageOf(await api('GET', 'role_assignments?group.id=x&effective'), 400);
    messageOf(await api('GET', `role_assignments?scope.project.id=${projectId}&scope.system=all`), 400);
  });
});

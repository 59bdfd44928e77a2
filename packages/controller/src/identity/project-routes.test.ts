import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { messageOf, namesOf, openAdmin } from './admin-fixture.ts';
import { tokenOf } from './cloud-fixture.ts';

const { cloud, api } = await openAdmin();
after(() => cloud.close());

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
    assert.equal(messageOf(await api('GET', `projects/${project.id}`), 404), `Could not find project: ${project.id}.`);
    assert.equal(
      messageOf(await api('DELETE', `projects/${project.id}`), 404),
      `Could not find project: ${project.id}.`,
    );
  });

  test('are filtered', async () => {
    await api('POST', 'projects', { project: { name: 'f1', tags: ['red', 'big'] } });
    await api('POST', 'projects', { project: { name: 'f2', tags: ['red'], enabled: false } });
    const list = async (query: string) => {
      const { status, body } = await api('GET', `projects?${query}`);
      assert.equal(status, 200);
      assert.deepEqual([body.links.next, body.links.previous], [null, null]);
      assert.equal(body.links.self, `http://cloud.example:9696/identity/v3/projects?${query}`);
      return namesOf(body.projects).filter((name) => name.startsWith('f'));
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
    assert.equal(messageOf(await api('POST', 'projects', {}), 400), "'project' is a required property");
    assert.match(messageOf(await post({}), 400), /'name' is a required property/);
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
      messageOf(await post(project), 400);
    }
    await post({ name: 'taken' });
    assert.match(
      messageOf(await post({ name: 'taken' }), 409),
      /^Conflict occurred attempting to store project - .*taken/,
    );
    const other = (await post({ name: 'other' })).body.project;
    messageOf(await api('PATCH', `projects/${other.id}`, { project: { name: 'taken' } }), 409);
    assert.equal(messageOf(await post({ name: 'x', domain_id: 'nope' }), 400), 'Could not find domain: nope.');
    assert.equal(messageOf(await post({ name: 'x', parent_id: 'nope' }), 400), 'Could not find project: nope.');
    const child = (await post({ name: 'child', parent_id: other.id })).body.project;
    assert.equal(child.parent_id, other.id);
    assert.match(messageOf(await api('DELETE', `projects/${other.id}`), 403), /not a leaf/);
    assert.equal((await api('DELETE', `projects/${child.id}`)).status, 204);
    assert.equal((await api('DELETE', `projects/${other.id}`)).status, 204);
  });

  test('keep their id, domain and parent, and take a change of the rest as it is meant', async () => {
    const { project } = (await api('POST', 'projects', { project: { name: 'fixed', description: 'd' } })).body;
    const patch = (change: unknown) => api('PATCH', `projects/${project.id}`, { project: change });
    assert.equal(messageOf(await patch({}), 400), '{} does not have enough properties');
    assert.equal(messageOf(await patch({ id: 'other' }), 400), 'Cannot change ID');
    assert.equal(messageOf(await patch({ domain_id: 'other' }), 400), 'Cannot change Domain ID');
    assert.equal(messageOf(await patch({ parent_id: 'other' }), 403), 'Update of `parent_id` is not allowed.');
    const same = { id: project.id, domain_id: 'default', parent_id: 'default' };
    assert.equal((await patch({ ...same, enabled: false })).body.project.description, 'd');
    const { description, enabled } = (await patch({ description: null })).body.project;
    assert.deepEqual([description, enabled], [null, false]);
  });

  test('have tags of their own, one by one and all at once', async () => {
    const { project } = (await api('POST', 'projects', { project: { name: 'tagged', tags: ['a'] } })).body;
    const path = `projects/${project.id}/tags`;
    assert.equal((await api('PUT', `${path}/blue`)).status, 201);
    assert.equal((await api('PUT', `${path}/blue`)).status, 201, 'again');
    const list = await api('GET', path);
    assert.deepEqual(list.body.tags, ['a', 'blue']);
    assert.equal(list.body.links.self, `http://cloud.example:9696/identity/v3/${path}`);
    assert.equal((await api('GET', `${path}/blue`)).status, 204);
    assert.equal((await api('HEAD', `${path}/blue`)).status, 204);
    assert.equal(messageOf(await api('GET', `${path}/nope`), 404), 'Could not find project tag: nope.');
    assert.deepEqual((await api('PUT', path, { tags: ['x', 'y'] })).body.tags, ['x', 'y']);
    assert.equal((await api('DELETE', `${path}/x`)).status, 204);
    assert.equal(messageOf(await api('DELETE', `${path}/x`), 404), 'Could not find project tag: x.');
    assert.deepEqual((await api('GET', `projects/${project.id}`)).body.project.tags, ['y']);
    assert.equal((await api('DELETE', path)).status, 204);
    assert.deepEqual((await api('GET', path)).body.tags, []);
    for (const wrong of [{ tags: ['a/b'] }, { tags: [''] }, { tags: 'a' }, {}, { tags: Array(81).fill('t') }]) {
      messageOf(await api('PUT', path, wrong), 400);
    }
    messageOf(await api('PUT', `${path}/a,b`), 400);
    const many = Array.from({ length: 80 }, (_, index) => `t${index}`);
    await api('PUT', path, { tags: many });
    messageOf(await api('PUT', `${path}/one-too-many`), 400);
    messageOf(await api('GET', 'projects/nope/tags'), 404);
  });

  test('show their parents and those below them on demand', async () => {
    const post = async (name: string, parent?: string) =>
      (await api('POST', 'projects', { project: { name, ...(parent !== undefined && { parent_id: parent }) } })).body
        .project.id as string;
    const top = await post('top');
    const middle = await post('middle', top);
    const [left, right] = [await post('left', middle), await post('right', middle)];
    const show = async (id: string, query: string) => (await api('GET', `projects/${id}?${query}`)).body.project;
    assert.deepEqual((await show(left, 'parents_as_ids')).parents, { [middle]: { [top]: { default: null } } });
    assert.deepEqual((await show(top, 'subtree_as_ids')).subtree, { [middle]: { [left]: null, [right]: null } });
    assert.equal((await show(left, 'subtree_as_ids')).subtree, null);
    assert.equal((await show(left, '')).parents, undefined);
    assert.deepEqual((await show(middle, 'parents_as_list&subtree_as_list')).subtree, [], 'no role on any of them');
    const { userId } = await cloud.member('relative');
    const { body } = await api('GET', 'roles?name=member');
    for (const id of [top, left]) await api('PUT', `projects/${id}/users/${userId}/roles/${body.roles[0].id}`);
    const token = tokenOf(await cloud.signIn('relative', 'pw', { project: { id: top } }));
    const seen = (await api('GET', `projects/${top}?subtree_as_list`, undefined, token)).body.project.subtree;
    assert.deepEqual(
      seen.map((item: { project: { name: string } }) => item.project.name),
      ['left'],
    );
    messageOf(await api('GET', `projects/${top}?parents_as_ids&parents_as_list`), 400);
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

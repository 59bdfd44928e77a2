import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { messageOf, namesOf, openAdmin } from './admin-fixture.ts';

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
    assert.equal(messageOf(await post({ name: 'x', domain_id: 'nope' }), 404), 'Could not find domain: nope.');
    assert.equal(messageOf(await post({ name: 'x', parent_id: 'nope' }), 404), 'Could not find project: nope.');
    const child = (await post({ name: 'child', parent_id: other.id })).body.project;
    assert.equal(child.parent_id, other.id);
    assert.match(messageOf(await api('DELETE', `projects/${other.id}`), 403), /not a leaf/);
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

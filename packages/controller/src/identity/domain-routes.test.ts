import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { messageOf, namesOf, openAdmin } from './admin-fixture.ts';

const { cloud, api } = await openAdmin();
after(() => cloud.close());

describe('domains', () => {
  test('live through create, show, list, change, delete', async () => {
    const made = await api('POST', 'domains', { domain: { name: 'd1', description: 'x' } });
    assert.equal(made.status, 201);
    const { domain } = made.body;
    assert.deepEqual(
      [domain.name, domain.description, domain.enabled, domain.tags, domain.options],
      ['d1', 'x', true, [], {}],
    );
    messageOf(await api('POST', 'domains', { domain: { name: 'd1' } }), 409);
    assert.deepEqual(namesOf((await api('GET', 'domains?name=Default')).body.domains), ['Default']);
    assert.deepEqual(namesOf((await api('GET', 'domains?enabled=false')).body.domains), []);
    assert.equal((await api('GET', 'domains/default')).body.domain.name, 'Default');
    assert.match(messageOf(await api('DELETE', `domains/${domain.id}`), 403), /disable it first/);
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
    assert.equal(messageOf(await api('GET', `domains/${domain.id}`), 404), `Could not find domain: ${domain.id}.`);
  });

  test('the default one stays', async () => {
    messageOf(await api('PATCH', 'domains/default', { domain: { enabled: false } }), 403);
    messageOf(await api('DELETE', 'domains/default'), 403);
  });
});

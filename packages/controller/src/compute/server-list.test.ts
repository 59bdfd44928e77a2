import assert from 'node:assert/strict';
import { after, beforeEach, describe, test } from 'node:test';
import type { ComputeRequest } from './compute-fixture.ts';
import { assertRefused, IMAGE, openTenants } from './tenant-fixture.ts';

const { fixture, admin, member, other, api, make, act, reset } = await openTenants();
after(() => fixture.close());
let network = '';
beforeEach(async () => {
  network = await reset();
});

describe('listing', () => {
  const names = async (query: string, options: ComputeRequest = {}): Promise<string[]> => {
    const answer = await api('GET', `servers?${query}`, undefined, options);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    return answer.body.servers.map((one: { name: string }) => one.name);
  };

  test('filters', async () => {
    const web1 = await make({ name: 'web-1', metadata: {}, networks: [{ uuid: network, fixed_ip: '10.0.0.11' }] });
    await make(
      { name: 'web-2', flavorRef: '3', tags: ['red', 'big'], networks: [{ uuid: network, fixed_ip: '10.0.0.12' }] },
      { version: '2.52' },
    );
    await make(
      { name: 'db-1', tags: ['red'], networks: [{ uuid: network, fixed_ip: 'fd00::1' }] },
      { version: '2.52' },
    );
    await act(web1, { 'os-stop': null });
    await make({ name: 'theirs' }, { token: other.token });
    const sorted = async (query: string, options: ComputeRequest = {}) => (await names(query, options)).sort();
    assert.deepEqual(await sorted('name=web'), ['web-1', 'web-2']);
    assert.deepEqual(await sorted('name=%5Eweb-1%24'), ['web-1']);
    assert.deepEqual(await sorted('name=1%24&deleted=False'), ['db-1', 'web-1']);
    assert.deepEqual(await sorted('name=nope'), []);
    assert.deepEqual(await sorted('status=SHUTOFF'), ['web-1']);
    assert.deepEqual(await sorted('status=active'), ['db-1', 'web-2']);
    assert.deepEqual(await sorted('status=nonsense'), []);
    assert.deepEqual(await sorted('vm_state=stopped'), ['web-1']);
    assert.deepEqual(await sorted('flavor=3'), ['web-2']);
    assert.deepEqual(await sorted(`image=${IMAGE}&name=db`), ['db-1']);
    assert.deepEqual(await sorted('image=other'), []);
    assert.deepEqual(await sorted(`uuid=${web1}`), ['web-1']);
    assert.deepEqual(await sorted('ip=10.0.0.1'), ['web-1', 'web-2']);
    assert.deepEqual(await sorted('ip=10.0.0.11'), ['web-1']);
    assert.deepEqual(await sorted('ip6=fd00'), ['db-1']);
    assert.deepEqual(await sorted('tags=red,big'), ['web-2']);
    assert.deepEqual(await sorted('tags-any=big,nope'), ['web-2']);
    assert.deepEqual(await sorted('not-tags=red,big'), ['db-1', 'web-1']);
    assert.deepEqual(await sorted('not-tags-any=red'), ['web-1']);
    assert.deepEqual(await sorted('changes-since=2020-01-01T00:00:00Z'), ['db-1', 'web-1', 'web-2']);
    assert.deepEqual(await sorted('changes-before=2020-01-01T00:00:00Z'), []);
    assert.deepEqual(await sorted('unknown=x'), ['db-1', 'web-1', 'web-2']);
    assert.deepEqual(await sorted('host=x'), ['db-1', 'web-1', 'web-2'], 'only admins go by host');
    assert.deepEqual(await names('sort_key=display_name&sort_dir=asc'), ['db-1', 'web-1', 'web-2']);
    assert.deepEqual(await names('sort_key=display_name&sort_dir=desc'), ['web-2', 'web-1', 'db-1']);
    assert.deepEqual(await sorted('', { token: admin }), []);
    assert.deepEqual(await sorted('all_tenants=True', { token: admin }), ['db-1', 'theirs', 'web-1', 'web-2']);
    assert.deepEqual(await sorted('all_tenants', { token: admin }), ['db-1', 'theirs', 'web-1', 'web-2']);
    assert.deepEqual(await sorted(`all_tenants=1&project_id=${other.projectId}`, { token: admin }), ['theirs']);
    assert.deepEqual(await sorted(`tenant_id=${other.projectId}`, { token: admin }), ['theirs']);
    assert.deepEqual(await sorted(`tenant_id=${other.projectId}`), []);
    assert.deepEqual(await sorted('all_tenants=1&deleted=True', { token: admin }), []);
    assert.deepEqual(await sorted('all_tenants=False'), ['db-1', 'web-1', 'web-2']);
    assertRefused(await api('GET', 'servers/detail?all_tenants=True'), 403, 'forbidden', /get_all_tenants/);
    for (const query of [
      'name=(',
      'ip=*',
      'all_tenants=maybe',
      'sort_key=constructor',
      'limit=x',
      'marker=x',
      'changes-since=x',
    ]) {
      assertRefused(await api('GET', `servers?${query}`), 400, 'badRequest', /./);
    }
  });

  test('pages', async () => {
    for (const name of ['a', 'b', 'c']) await make({ name });
    const first = await api('GET', 'servers/detail?limit=2&sort_key=display_name&sort_dir=asc');
    assert.deepEqual(
      first.body.servers.map((one: { name: string }) => one.name),
      ['a', 'b'],
    );
    const [next] = first.body.servers_links;
    assert.equal(next.rel, 'next');
    assert.match(
      next.href,
      /^http:\/\/cloud\.example:9696\/compute\/v2\.1\/servers\/detail\?limit=2&sort_key=display_name&sort_dir=asc&marker=/,
    );
    const second = await fixture.cloud.request('GET', next.href.replace('http://cloud.example:9696', ''), {
      token: member.token,
    });
    assert.deepEqual(
      second.body.servers.map((one: { name: string }) => one.name),
      ['c'],
    );
    assert.equal(second.body.servers_links, undefined);
    assert.equal((await api('GET', 'servers?limit=0')).body.servers.length, 3);
  });

  test('a page goes on after a server that does not match, or was deleted', async () => {
    const ids = [await make({ name: 'a' }), await make({ name: 'b' }), await make({ name: 'c', flavorRef: '2' })];
    const after = (id: string | undefined, more = '') =>
      names(`sort_key=display_name&sort_dir=asc&marker=${id}${more}`);
    assert.deepEqual(await after(ids[0], '&flavor=2'), ['c'], 'the marker has another flavor');
    assert.equal((await api('DELETE', `servers/${ids[1]}`)).status, 204);
    assert.deepEqual(await after(ids[1]), ['c']);
    assert.equal((await api('DELETE', `servers/${ids[2]}`)).status, 204);
    assert.deepEqual(await after(ids[2]), []);
    const theirs = await make({ name: 'theirs' }, { token: other.token });
    await api('DELETE', `servers/${theirs}`, undefined, { token: other.token });
    assertRefused(await api('GET', `servers?marker=${theirs}`), 400, 'badRequest', /not found/);
    // A day later it is forgotten, with the next deletion.
    await fixture.cloud.store.write(({ db }) =>
      db.updateTable('deleted_servers').set({ deleted_at: '2026-01-01T00:00:00Z' }).execute(),
    );
    assert.equal((await api('DELETE', `servers/${ids[0]}`)).status, 204);
    assertRefused(await api('GET', `servers?marker=${ids[1]}`), 400, 'badRequest', /not found/);
    assert.deepEqual(await after(ids[0]), []);
  });
});

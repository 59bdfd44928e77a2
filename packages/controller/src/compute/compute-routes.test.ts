import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Answer } from '../identity/cloud-fixture.ts';
import { addMachineHost, type ComputeFixture, type ComputeRequest, openComputeFixture } from './compute-fixture.ts';
import { IMAGES } from './images.ts';

let fixture: ComputeFixture;
let admin: string;
let member: { token: string; userId: string; projectId: string };
before(async () => {
  fixture = await openComputeFixture();
  admin = await fixture.cloud.adminToken();
  member = await fixture.cloud.member('tenant');
});
after(() => fixture.close());

const get = (path: string, options: ComputeRequest = {}): Promise<Answer> =>
  fixture.compute('GET', path, { token: member.token, ...options });

test('version documents, without a token', async () => {
  for (const path of ['/compute', '/compute/']) {
    const { status, body } = await fixture.cloud.request('GET', path);
    assert.equal(status, 200);
    const [version] = body.versions;
    assert.deepEqual(
      [version.id, version.status, version.version, version.min_version],
      ['v2.1', 'CURRENT', '2.90', '2.1'],
    );
    assert.equal(version.links[0].href, 'http://cloud.example:9696/compute/v2.1/');
    for (const v21 of ['/compute/v2.1', '/compute/v2.1/']) {
      assert.deepEqual((await fixture.cloud.request('GET', v21)).body, { version });
    }
  }
});

test('microversions', async () => {
  const ask = (headers: Record<string, string>) =>
    fixture.cloud.request('GET', '/compute/v2.1/flavors', { token: member.token, headers });
  const cases: [Record<string, string>, string][] = [
    [{}, '2.1'],
    [{ 'openstack-api-version': 'compute 2.47' }, '2.47'],
    [{ 'openstack-api-version': 'volume 3.1, compute 2.5' }, '2.5'],
    [{ 'openstack-api-version': 'volume 3.1' }, '2.1'],
    [{ 'openstack-api-version': 'compute latest' }, '2.90'],
    [{ 'x-openstack-nova-api-version': '2.90' }, '2.90'],
    [{ 'x-openstack-nova-api-version': '2.2', 'openstack-api-version': 'compute 2.3' }, '2.3'],
  ];
  for (const [headers, version] of cases) {
    const answer = await ask(headers);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['openstack-api-version'], `compute ${version}`);
    assert.equal(answer.headers['x-openstack-nova-api-version'], version);
    assert.match(String(answer.headers.vary), /OpenStack-API-Version/);
  }
  for (const version of ['2.0', '2.91', '3.1', '1.1']) {
    const answer = await ask({ 'openstack-api-version': `compute ${version}` });
    assert.equal(answer.status, 406);
    assert.match(
      answer.body.computeFault.message,
      /^Version .* is not supported by the API. Minimum is 2.1 and maximum is 2.90.$/,
    );
  }
  for (const version of ['', '2', '2.x', '02.1', '2.01', 'newest']) {
    const answer = await ask({ 'openstack-api-version': `compute ${version}` });
    assert.equal(answer.status, 400, version);
    assert.equal(answer.body.badRequest.code, 400);
  }
});

test('flavors', async () => {
  const { body } = await get('flavors/detail?is_public=None');
  assert.deepEqual(
    body.flavors.map((one: { name: string }) => one.name),
    ['m1.tiny', 'm1.small', 'm1.medium'],
  );
  assert.deepEqual(body.flavors[0], {
    id: '1',
    name: 'm1.tiny',
    ram: 512,
    disk: 1,
    vcpus: 1,
    swap: '',
    rxtx_factor: 1,
    'OS-FLV-EXT-DATA:ephemeral': 0,
    'OS-FLV-DISABLED:disabled': false,
    'os-flavor-access:is_public': true,
    links: [
      { rel: 'self', href: 'http://cloud.example:9696/compute/v2.1/flavors/1' },
      { rel: 'bookmark', href: 'http://cloud.example:9696/compute/flavors/1' },
    ],
  });
  const ids = async (query: string) =>
    (await get(`flavors?${query}`)).body.flavors.map((one: { id: string }) => one.id);
  assert.deepEqual(await ids('minRam=2048'), ['2', '3']);
  assert.deepEqual(await ids('minDisk=40'), ['3']);
  assert.deepEqual(await ids('is_public=False'), []);
  assert.deepEqual(await ids('limit=1&marker=1'), ['2']);
  const page = await get('flavors?limit=2');
  assert.match(page.body.flavors_links[0].href, /flavors\?limit=2&marker=2$/);
  const one = (await get('flavors/2', { version: '2.90' })).body.flavor;
  assert.deepEqual([one.name, one.swap, one.description, one.extra_specs], ['m1.small', 0, null, {}]);
  assert.deepEqual((await get('flavors/2/os-extra_specs')).body, { extra_specs: {} });
  for (const path of ['flavors/x', 'flavors/m1.tiny', 'flavors/x/os-extra_specs']) {
    const answer = await get(path);
    assert.equal(answer.status, 404);
    assert.match(answer.body.itemNotFound.message, /^Flavor .* could not be found\.$/);
  }
  for (const query of ['minRam=x', 'limit=-1', 'marker=9']) assert.equal((await get(`flavors?${query}`)).status, 400);
});

test('key pairs', async () => {
  const post = (keypair: unknown, options: ComputeRequest = {}) =>
    fixture.compute('POST', 'os-keypairs', { token: member.token, body: { keypair }, ...options });
  const made = await post({ name: 'made' });
  assert.equal(made.status, 200);
  assert.match(made.body.keypair.private_key, /^-----BEGIN OPENSSH PRIVATE KEY-----\n/);
  assert.equal(made.body.keypair.user_id, member.userId);
  const publicKey = made.body.keypair.public_key;
  const imported = await post({ name: 'imported', public_key: publicKey, type: 'ssh' }, { version: '2.2' });
  assert.equal(imported.status, 201);
  assert.equal(imported.body.keypair.private_key, undefined);
  assert.equal(imported.body.keypair.fingerprint, made.body.keypair.fingerprint);
  assert.equal(imported.body.keypair.type, 'ssh');
  const list = (await get('os-keypairs')).body.keypairs;
  assert.deepEqual(
    list.map((one: { keypair: { name: string } }) => one.keypair.name),
    ['imported', 'made'],
  );
  assert.deepEqual(Object.keys(list[0].keypair), ['name', 'public_key', 'fingerprint']);
  assert.match((await get('os-keypairs?limit=1')).body.keypairs_links[0].href, /marker=imported$/);
  const shown = (await get('os-keypairs/made')).body.keypair;
  assert.deepEqual([shown.name, shown.public_key, shown.deleted], ['made', publicKey, false]);
  assert.equal((await post({ name: 'made' })).status, 409);
  for (const keypair of [
    {},
    { name: '' },
    { name: 'a/b' },
    { name: ' a' },
    { name: 'a', public_key: 'x' },
    { name: 'a', type: 'x509' },
    { name: 'a', public_key: `${publicKey}\n${publicKey}` },
  ]) {
    const answer = await post(keypair);
    assert.equal(answer.status, 400, JSON.stringify(keypair));
    assert.equal(answer.body.badRequest.code, 400);
  }
  assert.equal((await get('os-keypairs/made', { token: admin })).status, 404);
  const asAdmin = { token: admin, version: '2.10' };
  assert.equal((await get(`os-keypairs/made?user_id=${member.userId}`, asAdmin)).status, 200);
  assert.equal((await get('os-keypairs?user_id=other', { version: '2.10' })).status, 403);
  const remove = (name: string, version: string) =>
    fixture.compute('DELETE', `os-keypairs/${name}`, { token: member.token, version });
  assert.equal((await remove('made', '2.1')).status, 202);
  assert.equal((await remove('imported', '2.2')).status, 204);
  assert.equal((await remove('made', '2.1')).status, 404);
});

test('limits and quotas', async () => {
  const imageRef = IMAGES[0]?.id;
  const server = { name: 'vm', flavorRef: '2', imageRef };
  await fixture.compute('POST', 'servers', { token: member.token, body: { server: { ...server, min_count: 2 } } });
  const { absolute, rate } = (await get('limits?reserved=1')).body.limits;
  assert.deepEqual(rate, []);
  assert.deepEqual([absolute.totalInstancesUsed, absolute.totalCoresUsed, absolute.totalRAMUsed], [2, 2, 4096]);
  assert.equal(absolute.maxTotalInstances, -1);
  const project = member.projectId;
  const quota = (await get(`os-quota-sets/${project}`)).body.quota_set;
  assert.deepEqual([quota.id, quota.instances, quota.fixed_ips], [project, -1, -1]);
  assert.equal((await get(`os-quota-sets/${project}`, { version: '2.57' })).body.quota_set.fixed_ips, undefined);
  assert.equal((await get(`os-quota-sets/${project}/defaults`)).body.quota_set.cores, -1);
  const detail = (await get(`os-quota-sets/${project}/detail`)).body.quota_set;
  assert.deepEqual(detail.instances, { limit: -1, in_use: 2, reserved: 0 });
  for (const path of ['os-quota-sets/other', 'os-quota-sets/other/detail', 'limits?tenant_id=other']) {
    assert.equal((await get(path)).status, 403);
    assert.equal((await get(path, { token: admin })).status, 200);
  }
});

test('zones, services, hypervisors, extensions', async () => {
  await addMachineHost(fixture, 'host-1');
  assert.deepEqual((await get('os-availability-zone')).body, {
    availabilityZoneInfo: [{ zoneName: 'nova', zoneState: { available: true }, hosts: null }],
  });
  const zone = (await get('os-availability-zone/detail', { token: admin })).body.availabilityZoneInfo[0];
  assert.equal(zone.hosts['host-1']['nova-compute'].available, true);
  const services = (await get('os-services', { token: admin })).body.services;
  assert.deepEqual(
    [services[0].id, services[0].binary, services[0].host, services[0].state],
    [1, 'nova-compute', 'host-1', 'up'],
  );
  assert.deepEqual((await get('os-services?host=x', { token: admin })).body.services, []);
  assert.deepEqual((await get('os-services?binary=nova-conductor', { token: admin })).body.services, []);
  const hypervisors = (await get('os-hypervisors', { token: admin })).body.hypervisors;
  assert.deepEqual(hypervisors, [{ id: 1, hypervisor_hostname: 'host-1', state: 'up', status: 'enabled' }]);
  assert.equal(
    (await get('os-hypervisors/detail', { token: admin, version: '2.90' })).body.hypervisors[0].id,
    'host-1',
  );
  assert.equal((await get('os-hypervisors/1', { token: admin })).body.hypervisor.hypervisor_hostname, 'host-1');
  assert.equal((await get('os-hypervisors/2', { token: admin })).status, 404);
  for (const path of [
    'os-services',
    'os-hypervisors',
    'os-hypervisors/detail',
    'os-hypervisors/1',
    'os-availability-zone/detail',
  ]) {
    assert.equal((await get(path)).status, 403, path);
  }
  assert.ok((await get('extensions')).body.extensions.some((one: { alias: string }) => one.alias === 'os-keypairs'));
  assert.equal((await get('extensions/os-services')).body.extension.name, 'Services');
  assert.equal((await get('extensions/x')).status, 404);
});

test('security groups, for clients that look for them here', async () => {
  const row = { id: 'g1', name: 'web', description: 'd', project_id: member.projectId, stateful: true };
  await fixture.cloud.store.write(({ db, now: created_at }) =>
    db
      .insertInto('security_groups')
      .values({ ...row, created_at, updated_at: created_at, revision_number: 0 })
      .execute(),
  );
  const web = { id: 'g1', name: 'web', description: 'd', tenant_id: member.projectId, rules: [] };
  assert.deepEqual((await get('os-security-groups')).body, { security_groups: [web] });
  assert.deepEqual((await get('os-security-groups?name=x')).body, { security_groups: [] });
  assert.deepEqual((await get('os-security-groups/g1')).body, { security_group: web });
  assert.equal((await get('os-security-groups/g1', { token: admin })).status, 404);
  assert.equal((await get('os-security-groups', { version: '2.36' })).status, 404);
});

test('everything but the version needs a token, and unknown paths are 404', async () => {
  const paths = [
    'servers',
    'servers/detail',
    'servers/x',
    'flavors',
    'flavors/detail',
    'flavors/1',
    'flavors/1/os-extra_specs',
    'os-keypairs',
    'os-keypairs/x',
    'limits',
    'os-quota-sets/x',
    'os-availability-zone',
    'os-services',
    'os-hypervisors',
    'extensions',
    'servers/x/os-interface',
    'servers/x/ips',
    'servers/x/metadata',
    'servers/x/tags',
  ];
  for (const path of paths) assert.equal((await fixture.compute('GET', path)).status, 401, path);
  const answer = await get('nothing');
  assert.deepEqual(answer.body, { itemNotFound: { code: 404, message: 'The resource could not be found.' } });
});

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { SYSTEM } from '../caller.ts';
import { aliceCloud, TestApi } from '../http/test-api.ts';
import { showIpAvailability } from './ip-availability.ts';

let api: TestApi;
let cloud: Awaited<ReturnType<typeof aliceCloud>>;

before(async () => {
  api = await TestApi.start();
  cloud = await aliceCloud(api);
});
after(() => api.stop());

test('the addresses of a network are counted: those of the pools, and all that ports have', async () => {
  const shown = await api.expect('admin', 'GET', `/network-ip-availabilities/${cloud.network.id}`);
  // A /24 less network, broadcast and gateway; the gateway’s address, which the router has, is used nevertheless.
  const { id: subnetId, name } = cloud.subnet;
  assert.deepEqual(shown, {
    network_id: cloud.network.id,
    network_name: 'private',
    project_id: 'p-alice',
    tenant_id: 'p-alice',
    total_ips: 253,
    used_ips: 3,
    subnet_ip_availability: [
      { subnet_id: subnetId, subnet_name: name, cidr: '192.168.2.0/24', ip_version: 4, total_ips: 253, used_ips: 3 },
    ],
  });
  await api.expect('admin', 'PUT', `/subnets/${subnetId}`, {
    subnet: { allocation_pools: [{ start: '192.168.2.10', end: '192.168.2.19' }] },
  });
  const path = `/network-ip-availabilities/${cloud.network.id}?fields=total_ips&fields=nope`;
  assert.deepEqual(await api.expect('admin', 'GET', path), { total_ips: 10 });
  await api.expect('admin', 'PUT', `/subnets/${subnetId}`, { subnet: { allocation_pools: [] } });
  assert.deepEqual(await api.expect('admin', 'GET', path), { total_ips: 256 }, 'without pools all count');
});

test('IPv6 has more addresses than a double counts: every digit is shown', async () => {
  const network = await api.create('alice', '/networks', 'network', { name: 'six' });
  for (const [version, cidr] of [
    [6, 'fd00:6::/64'],
    [4, '10.6.0.0/29'],
  ]) {
    await api.create('alice', '/subnets', 'subnet', { network_id: network.id, ip_version: version, cidr });
  }
  const shown = await api.store.read((db) => showIpAvailability(db, network.id, { fields: 'total_ips' }, SYSTEM));
  assert.equal(JSON.stringify(shown), '{"total_ips":18446744073709551619}');
  await api.expect('alice', 'DELETE', `/networks/${network.id}`);
});

test('networks are listed whether or not they have subnets, and filtered', async () => {
  const empty = await api.create('bob', '/networks', 'network', { name: 'empty' });
  const names = async (query: string) =>
    (await api.expect('admin', 'GET', `/network-ip-availabilities${query}`))
      .map((item: { network_name: string }) => item.network_name)
      .sort();
  assert.deepEqual(await names(''), ['empty', 'ext-net', 'private']);
  for (const [query, expected] of [
    ['?ip_version=4', ['ext-net', 'private']],
    ['?ip_version=6', []],
    ['?ip_version=x', []],
    ['?network_name=empty&network_name=private', ['empty', 'private']],
    [`?network_id=${empty.id}`, ['empty']],
    ['?project_id=p-bob', ['empty']],
    ['?tenant_id=p-alice', ['private']],
    ['?project_id=p-bob&ip_version=4', []],
  ] as const) {
    assert.deepEqual(await names(query), expected, query);
  }
  const [shown] = await api.expect('admin', 'GET', '/network-ip-availabilities?network_name=empty');
  assert.deepEqual([shown.total_ips, shown.used_ips, shown.subnet_ip_availability], [0, 0, []]);
  assert.ok(!('ip_version' in shown));
  await api.expect('bob', 'DELETE', `/networks/${empty.id}`);
});

test('only admins see how full networks are', async () => {
  assert.deepEqual((await api.send('alice', 'GET', '/network-ip-availabilities')).body, {
    network_ip_availabilities: [],
  });
  for (const [who, id] of [
    ['alice', cloud.network.id],
    ['admin', 'nope'],
  ]) {
    const { status, body } = await api.send(who, 'GET', `/network-ip-availabilities/${id}`);
    assert.deepEqual(
      [status, body.NeutronError.type, body.NeutronError.message],
      [...[404, 'NetworkNotFound'], `Network ${id} could not be found.`],
    );
  }
  const { status, body } = await api.send('admin', 'GET', '/network-ip-availabilities?total_ips=3');
  assert.deepEqual([status, body.NeutronError.message], [400, "['total_ips'] is invalid attribute for filtering"]);
});

test('service providers', async () => {
  const provider = { service_type: 'L3_ROUTER_NAT', name: 'single_node', default: true };
  for (const query of ['', '?service_type=L3_ROUTER_NAT', '?default=True', '?name=x&name=single_node']) {
    assert.deepEqual(await api.expect('alice', 'GET', `/service-providers${query}`), [provider], query);
  }
  for (const query of ['?service_type=VPN', '?default=False', '?name=']) {
    assert.deepEqual((await api.send('alice', 'GET', `/service-providers${query}`)).body, { service_providers: [] });
  }
  assert.deepEqual(await api.expect('alice', 'GET', '/service-providers?fields=name'), [{ name: 'single_node' }]);
  assert.equal((await api.send('alice', 'GET', '/service-providers?foo=1')).status, 400);
});

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { aliceCloud, TestApi } from '../http/test-api.ts';

let api: TestApi;
let cloud: Awaited<ReturnType<typeof aliceCloud>>;
let bobsNetwork: { id: string };

before(async () => {
  api = await TestApi.start();
  cloud = await aliceCloud(api);
  bobsNetwork = await api.create('bob', '/networks', 'network', {});
  await api.create('bob', '/subnets', 'subnet', { network_id: bobsNetwork.id, ip_version: 4, cidr: '10.8.0.0/24' });
});
after(() => api.stop());

test('nobody gives a port of his own to another project’s router, nor makes one that the data plane trusts', async () => {
  const port = (values: object) =>
    api.send('bob', 'POST', '/ports', { port: { network_id: bobsNetwork.id, ...values } });
  for (const owner of [
    'network:router_interface',
    'network:router_centralized_snat',
    'network:dhcp',
    'network:floatingip',
  ]) {
    const answer = await port({ device_owner: owner, device_id: cloud.router.id });
    assert.deepEqual([answer.status, answer.body.NeutronError.type], [403, 'PolicyNotAuthorized'], owner);
  }
  const named = await port({ device_id: cloud.router.id });
  assert.deepEqual([named.status, named.body.NeutronError.type], [409, 'DeviceIDNotOwnedByTenant']);
  const { id } = (await port({})).body.port;
  const put = (values: object) => api.send('bob', 'PUT', `/ports/${id}`, { port: values });
  assert.equal((await put({ device_owner: 'network:dhcp' })).status, 403);
  assert.equal((await put({ device_id: cloud.router.id })).status, 409);
  assert.equal((await put({ device_owner: 'compute:nova', device_id: 'a-hypervisor-of-mine' })).status, 200);
});

test('a router’s own port keeps its device and its addresses', async () => {
  const [inside] = await api.expect('alice', 'GET', `/ports?device_id=${cloud.router.id}`);
  for (const who of ['alice', 'admin']) {
    for (const values of [{ device_owner: '', device_id: '' }, { fixed_ips: [] }]) {
      const answer = await api.send(who, 'PUT', `/ports/${inside.id}`, { port: values });
      assert.ok([403, 409].includes(answer.status), JSON.stringify(values));
    }
  }
  assert.equal((await api.send('alice', 'DELETE', `/ports/${inside.id}`)).status, 409);
});

test('on another project’s shared network a PUT may claim no more than a POST', async () => {
  const shared = await api.create('admin', '/networks', 'network', { shared: true });
  await api.create('admin', '/subnets', 'subnet', { network_id: shared.id, ip_version: 4, cidr: '10.6.0.0/24' });
  const port = await api.create('bob', '/ports', 'port', { network_id: shared.id });
  for (const values of [
    { port_security_enabled: false, security_groups: [] },
    { allowed_address_pairs: [{ ip_address: '0.0.0.0/0' }] },
    { fixed_ips: [{ ip_address: '10.6.0.99' }] },
  ]) {
    const answer = await api.send('bob', 'PUT', `/ports/${port.id}`, { port: values });
    assert.equal(answer.status, 403, JSON.stringify(values));
  }
  const kept = await api.send('bob', 'PUT', `/ports/${port.id}`, { port: { name: 'x', fixed_ips: port.fixed_ips } });
  assert.equal(kept.status, 200);
  const unshared = await api.send('admin', 'PUT', `/networks/${shared.id}`, { network: { shared: false } });
  assert.deepEqual([unshared.status, unshared.body.NeutronError.type], [409, 'InvalidSharedSetting']);
});

test('a device owner that is the name of something in JavaScript is a text like any other', async () => {
  for (const owner of ['constructor', '__proto__', 'toString']) {
    const { id } = await api.create('bob', '/ports', 'port', { network_id: bobsNetwork.id, device_owner: owner });
    assert.equal((await api.send('bob', 'DELETE', `/ports/${id}`)).status, 204, owner);
  }
});

test('a token without a project sees nothing, not even what belongs to no project', async () => {
  for (const path of ['ports', 'networks', 'routers', 'floatingips', 'security-groups']) {
    assert.deepEqual(await api.expect('unscoped', 'GET', `/${path}`), [], path);
  }
});

test('a page’s marker is no way to ask what others have', async () => {
  const foreign = await api.send('bob', 'GET', `/routers?limit=1&marker=${cloud.router.id}`);
  assert.deepEqual([foreign.status, foreign.body.NeutronError.type], [404, 'RouterNotFound']);
});

test('a floating IP with more forwardings than a statement takes parameters is listed and deleted', async () => {
  const { id } = cloud.floatingIp;
  const item = (external: number) => ({
    internal_port_id: cloud.vm1.id,
    internal_ip_address: '192.168.2.79',
    internal_port: external,
    external_port: external,
    protocol: 'tcp',
  });
  const path = `/floatingips/${id}/port_forwardings`;
  for (let first = 1; first <= 12_000; first += 3000) {
    await api.expect('alice', 'POST', path, {
      port_forwardings: Array.from({ length: 3000 }, (_, i) => item(first + i)),
    });
  }
  assert.equal((await api.expect('alice', 'GET', path)).length, 12_000);
  assert.equal((await api.send('alice', 'DELETE', `/ports/${cloud.vm1.id}`)).status, 204);
  assert.deepEqual(await api.expect('alice', 'GET', path), []);
});

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { TestApi } from '../http/test-api.ts';

let api: TestApi;

before(async () => {
  api = await TestApi.start();
});
after(() => api.stop());

const MAC = 'fa:16:3e:11:22:33';
/** What a host of that MAC address makes of fd00:1::/64 (RFC 4291, appendix A: bit flipped, ff:fe in the middle). */
const OWN = 'fd00:1::f816:3eff:fe11:2233';

type Modes = { ipv6_ra_mode?: string; ipv6_address_mode?: string };
const SLAAC: Modes = { ipv6_ra_mode: 'slaac', ipv6_address_mode: 'slaac' };

const newNetwork = async () => (await api.create('alice', '/networks', 'network', {})).id as string;
const newSubnet = (network: string, cidr: string, more: object = {}) =>
  api.create('alice', '/subnets', 'subnet', {
    network_id: network,
    ip_version: cidr.includes(':') ? 6 : 4,
    cidr,
    ...more,
  });
const newPort = (network: string, more: object = {}) =>
  api.create('alice', '/ports', 'port', { network_id: network, ...more });
const addresses = (port: { fixed_ips: { ip_address: string }[] }) => port.fixed_ips.map((item) => item.ip_address);
const show = (id: string) => api.expect('alice', 'GET', `/ports/${id}`);

/** How ports get addresses of an IPv6 subnet, by its modes. */
const MODES: [string, Modes, boolean][] = [
  ['no modes: allocated', {}, false],
  ['stateful: allocated', { ipv6_ra_mode: 'dhcpv6-stateful', ipv6_address_mode: 'dhcpv6-stateful' }, false],
  ['SLAAC: from the MAC address', SLAAC, true],
  [
    'stateless: from the MAC address',
    { ipv6_ra_mode: 'dhcpv6-stateless', ipv6_address_mode: 'dhcpv6-stateless' },
    true,
  ],
  ['SLAAC of another router’s: from the MAC address', { ipv6_address_mode: 'slaac' }, true],
  ['advertised only: from the MAC address', { ipv6_ra_mode: 'slaac' }, true],
];

for (const [what, modes, automatic] of MODES) {
  test(`${what}, beside the IPv4 address, whatever is asked for`, async () => {
    const network = await newNetwork();
    const v4 = await newSubnet(network, '10.1.0.0/24');
    const v6 = await newSubnet(network, 'fd00:1::/64', modes);
    const plain = await newPort(network, { mac_address: MAC });
    assert.deepEqual(
      plain.fixed_ips.map((item: { subnet_id: string }) => item.subnet_id),
      [v4.id, v6.id],
    );
    assert.equal(addresses(plain)[1] === OWN, automatic);
    assert.equal((await api.send('alice', 'DELETE', `/ports/${plain.id}`)).status, 204);
    const one = await newPort(network, { mac_address: MAC, fixed_ips: [{ subnet_id: v4.id }] });
    assert.deepEqual(addresses(one).slice(1), automatic ? [OWN] : []);
    const bare = await newPort(network, { fixed_ips: [] });
    assert.equal(bare.fixed_ips.length, automatic ? 1 : 0);
    const both = await newPort(network, { fixed_ips: [{ subnet_id: v6.id }] });
    assert.equal(both.fixed_ips.length, 1);
    const chosen = await api.send('alice', 'POST', '/ports', {
      port: { network_id: network, fixed_ips: [{ subnet_id: v6.id, ip_address: 'fd00:1::99' }] },
    });
    assert.equal(chosen.status, automatic ? 400 : 201);
    if (automatic) {
      assert.equal(chosen.body.NeutronError.type, 'InvalidInput');
      assert.match(chosen.body.NeutronError.message, /IPv6 address fd00:1::99 cannot be directly assigned to a port/);
      const put = await api.expect('alice', 'PUT', `/ports/${one.id}`, { port: { fixed_ips: one.fixed_ips } });
      assert.deepEqual(addresses(put), addresses(one), 'what it has may be said');
      const moved = await api.expect('alice', 'PUT', `/ports/${one.id}`, {
        port: { fixed_ips: [{ ip_address: '10.1.0.77' }] },
      });
      assert.deepEqual(addresses(moved), ['10.1.0.77', OWN], 'what follows from the MAC address stays');
    }
    // Only addresses that ports make for themselves go with the subnet.
    const gone = await api.send('alice', 'DELETE', `/subnets/${v6.id}`);
    assert.equal(gone.status, automatic ? 204 : 409);
    if (automatic) assert.deepEqual((await show(bare.id)).fixed_ips, []);
  });
}

test('a new SLAAC subnet gives its addresses to the ports that there are, but not to routers', async () => {
  const network = await newNetwork();
  const v4 = await newSubnet(network, '10.1.0.0/24');
  const port = await newPort(network, { mac_address: MAC });
  const router = await api.create('alice', '/routers', 'router', {});
  const { port_id: inside } = (
    await api.send('alice', 'PUT', `/routers/${router.id}/add_router_interface`, { subnet_id: v4.id })
  ).body;
  const v6 = await newSubnet(network, 'fd00:1::/64', SLAAC);
  const after = await show(port.id);
  assert.deepEqual(addresses(after), [addresses(port)[0], OWN]);
  assert.ok(after.revision_number > port.revision_number);
  assert.deepEqual(addresses(await show(inside)), ['10.1.0.1']);
  assert.deepEqual((await api.expect('alice', 'GET', `/ports?fixed_ips=ip_address=${OWN}`)).length, 1);

  // A router's interface is at the gateway's address, and keeps the subnet.
  await api.expect('alice', 'PUT', `/routers/${router.id}/add_router_interface`, { subnet_id: v6.id });
  assert.equal((await api.send('alice', 'DELETE', `/subnets/${v6.id}`)).body.NeutronError.type, 'SubnetInUse');
  await api.expect('alice', 'PUT', `/routers/${router.id}/remove_router_interface`, { subnet_id: v6.id });
  assert.equal((await api.send('alice', 'DELETE', `/subnets/${v6.id}`)).status, 204);
  assert.deepEqual(addresses(await show(port.id)), addresses(port));
});

test('a new MAC address is a new automatic address', async () => {
  const network = await newNetwork();
  await newSubnet(network, '10.1.0.0/24');
  await newSubnet(network, 'fd00:1::/64', SLAAC);
  await newSubnet(network, 'fd00:2::/64', SLAAC);
  const port = await newPort(network, { mac_address: MAC });
  assert.deepEqual(addresses(port).slice(1).sort(), [OWN, OWN.replace('fd00:1', 'fd00:2')]);
  const changed = await api.expect('admin', 'PUT', `/ports/${port.id}`, { port: { mac_address: 'fa:16:3e:00:00:01' } });
  assert.deepEqual(addresses(changed).sort(), [
    addresses(port)[0],
    'fd00:1::f816:3eff:fe00:1',
    'fd00:2::f816:3eff:fe00:1',
  ]);
});

test('a router’s interfaces on IPv6 subnets of one network share a port; each goes by itself', async () => {
  const network = await newNetwork();
  const [a, b] = [await newSubnet(network, 'fd00:a::/64'), await newSubnet(network, 'fd00:b::/64')];
  const router = await api.create('alice', '/routers', 'router', {});
  const change = async (action: string, body: object) =>
    (await api.send('alice', 'PUT', `/routers/${router.id}/${action}_router_interface`, body as never)).body;
  const first = await change('add', { subnet_id: a.id });
  const second = await change('add', { subnet_id: b.id });
  assert.equal(second.port_id, first.port_id);
  assert.deepEqual([second.subnet_id, second.subnet_ids], [b.id, [a.id, b.id]]);
  assert.deepEqual(addresses(await show(first.port_id)), ['fd00:a::1', 'fd00:b::1']);
  const removed = await change('remove', { subnet_id: a.id });
  assert.deepEqual([removed.port_id, removed.subnet_ids], [first.port_id, [a.id]]);
  assert.deepEqual(addresses(await show(first.port_id)), ['fd00:b::1']);
  await change('remove', { port_id: first.port_id });
  assert.equal((await api.send('alice', 'GET', `/ports/${first.port_id}`)).status, 404);
  assert.equal((await api.send('alice', 'DELETE', `/routers/${router.id}`)).status, 204);
});

test('a subnet whose router is another’s takes no router', async () => {
  const network = await newNetwork();
  const subnet = await newSubnet(network, 'fd00:1::/64', { ipv6_address_mode: 'slaac' });
  const router = await api.create('alice', '/routers', 'router', {});
  const answer = await api.send('alice', 'PUT', `/routers/${router.id}/add_router_interface`, { subnet_id: subnet.id });
  assert.deepEqual([answer.status, answer.body.NeutronError.type], [400, 'BadRequest']);
  assert.match(answer.body.NeutronError.message, /configured to receive RAs from an external router/);
});

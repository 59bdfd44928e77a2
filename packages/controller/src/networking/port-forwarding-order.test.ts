import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { aliceCloud, TestApi } from '../http/test-api.ts';

let api: TestApi;
let cloud: Awaited<ReturnType<typeof aliceCloud>>;
/** Ports of Alice's: with a floating IP, without an address, of IPv6 alone, behind no router, behind another router. */
let ports: Record<'bound' | 'bare' | 'ipv6' | 'lonely' | 'elsewhere', { id: string; address: string }>;
let foreign: { id: string };
let associated: { id: string };
let bobs: { id: string };

before(async () => {
  api = await TestApi.start();
  cloud = await aliceCloud(api);
  const network = async (subnet: object) => {
    const { id } = await api.create('alice', '/networks', 'network', {});
    return api.create('alice', '/subnets', 'subnet', { network_id: id, ...subnet });
  };
  const port = async (networkId: string, values: object = {}) => {
    const made = await api.create('alice', '/ports', 'port', { network_id: networkId, ...values });
    return { id: made.id, address: made.fixed_ips[0]?.ip_address ?? '192.168.2.200' };
  };
  const lonely = await network({ ip_version: 4, cidr: '10.1.0.0/24' });
  const elsewhere = await network({ ip_version: 4, cidr: '10.2.0.0/24' });
  const ipv6 = await network({ ip_version: 6, cidr: 'fd00:1::/64' });
  const other = await api.create('alice', '/routers', 'router', {
    external_gateway_info: { network_id: cloud.external.id },
  });
  await api.expect('alice', 'PUT', `/routers/${other.id}/add_router_interface`, { subnet_id: elsewhere.id });
  ports = {
    bound: await port(cloud.network.id),
    bare: await port(cloud.network.id, { fixed_ips: [] }),
    ipv6: await port(ipv6.network_id),
    lonely: await port(lonely.network_id),
    elsewhere: await port(elsewhere.network_id),
  };
  const floatingIp = (who: string, values: object = {}) =>
    api.create(who, '/floatingips', 'floatingip', { floating_network_id: cloud.external.id, ...values });
  associated = await floatingIp('alice', { port_id: ports.bound.id });
  bobs = await floatingIp('bob');
  const { id } = await api.create('bob', '/networks', 'network', {});
  foreign = await api.create('bob', '/ports', 'port', { network_id: id });
  // What the requests below collide with.
  await api.expect('alice', 'POST', forwardings(cloud.floatingIp.id), {
    port_forwarding: { ...valid(), external_port: 80, internal_port: 80 },
  });
});
after(() => api.stop());

const forwardings = (id: string) => `/floatingips/${id}/port_forwardings`;
const valid = () => ({
  internal_port_id: cloud.vm1.id,
  internal_ip_address: '192.168.2.79',
  internal_port: 1000,
  external_port: 1000,
  protocol: 'tcp',
});
const to = (port: { id: string; address: string }) => ({
  internal_port_id: port.id,
  internal_ip_address: port.address,
});
const ranges = (external: string, internal: string) => ({
  external_port: undefined,
  internal_port: undefined,
  external_port_range: external,
  internal_port_range: internal,
});

/**
 * What may be wrong with a request, in the order in which it is looked at: each answer must come although everything
 * further down that can be wrong at the same time is wrong, too. Values, floating IP, status, type, message.
 */
const ORDER: [string, () => object, () => string, number, string, RegExp][] = [
  [
    'the body itself',
    () => ({ ...valid(), protocol: 'TCP', ...ranges('10:20', '10:15') }),
    () => bobs.id,
    400,
    'HTTPBadRequest',
    /TCP is not in valid_values/,
  ],
  [
    'a floating IP of another project',
    () => ({ ...valid(), ...ranges('10:20', '10:15') }),
    () => bobs.id,
    404,
    'FloatingIPNotFound',
    /could not be found$/,
  ],
  [
    'the relation of the ranges',
    () => ({ ...valid(), ...ranges('79:85', '79:81') }),
    () => cloud.floatingIp.id,
    400,
    'BadRequest',
    /^Bad port_forwarding request: Invalid ranges of internal and\/or external ports\. The relation between internal and external ports must be N-N or 1-N\.$/,
  ],
  [
    'a collision inside, before the one outside and the floating IP that has a port',
    () => ({ ...valid(), external_port: 80, internal_port: 80 }),
    () => associated.id,
    400,
    'BadRequest',
    /^Bad port_forwarding request: There is a port collision with the internal_port_range\. The following ranges collide: 80:80 and 80:80\.$/,
  ],
  [
    'a collision outside, before the port that has a floating IP',
    () => ({ ...valid(), ...to(ports.bound), external_port: 80 }),
    () => cloud.floatingIp.id,
    400,
    'BadRequest',
    /^Bad port_forwarding request: There is a port collision with the external_port_range\. The following ranges collide: 80:80 and 80:80\.$/,
  ],
  [
    'a port that has a floating IP, before the floating IP that has a port',
    () => ({ ...valid(), ...to(ports.bound) }),
    () => associated.id,
    409,
    'PortHasBindingFloatingIP',
    /^Cannot create port forwarding to floating IP 10\.11\.7\.\d+ \(\S+\) with port \S+ using fixed IP 192\.168\.2\.\d+, as that port already has a binding floating IP\.$/,
  ],
  [
    'a port that has a floating IP, even for another address than it has',
    () => ({ ...valid(), ...to(ports.bound), internal_ip_address: '192.168.2.201' }),
    () => cloud.floatingIp.id,
    409,
    'PortHasBindingFloatingIP',
    /192\.168\.2\.201/,
  ],
  [
    'a floating IP that has a port, before the port that there is not',
    () => ({ ...valid(), internal_port_id: '9b68c54c-2d19-4ad4-a2a1-30574c83647c' }),
    () => associated.id,
    409,
    'FloatingIPPortAlreadyAssociated',
    /^Cannot associate floating IP 10\.11\.7\.\d+ \(\S+\) with port 9b68c54c-2d19-4ad4-a2a1-30574c83647c using fixed IP 192\.168\.2\.79, as that fixed IP already has a floating IP on external network \S+\.$/,
  ],
  [
    'a port of another project',
    () => ({ ...valid(), internal_port_id: foreign.id }),
    () => cloud.floatingIp.id,
    404,
    'PortNotFound',
    /^Port \S+ could not be found\.$/,
  ],
  [
    'a port without an address',
    () => ({ ...valid(), ...to(ports.bare) }),
    () => cloud.floatingIp.id,
    400,
    'BadRequest',
    /^Bad port_forwarding request: Requested internal port \S+ must allocate an IPv4 address at least\.$/,
  ],
  [
    'a port of IPv6 alone',
    () => ({ ...valid(), ...to(ports.ipv6) }),
    () => cloud.floatingIp.id,
    400,
    'BadRequest',
    /must allocate an IPv4 address at least/,
  ],
  [
    'an address that the port has not, before the router that there is not',
    () => ({ ...valid(), ...to(ports.lonely), internal_ip_address: '10.1.0.99' }),
    () => cloud.floatingIp.id,
    400,
    'BadRequest',
    /^Bad port_forwarding request: Requested internal IP address 10\.1\.0\.99 is not suitable for internal neutron port \S+, as its fixed_ips are \[\{'subnet_id': '\S+', 'ip_address': '10\.1\.0\.\d+'\}\]$/,
  ],
  [
    'no router between, before the router that the floating IP has',
    () => ({ ...valid(), ...to(ports.lonely) }),
    () => cloud.floatingIp.id,
    400,
    'BadRequest',
    /^Bad port_forwarding request: External network \S+ is not reachable from subnet \S+\. Cannot set Port forwarding for port \S+ with Floating IP \S+$/,
  ],
  [
    'another router than the floating IP has',
    () => ({ ...valid(), ...to(ports.elsewhere) }),
    () => cloud.floatingIp.id,
    400,
    'BadRequest',
    /^Bad port_forwarding request: The Floating IP \S+ had been set on router \S+, the internal Neutron port \S+ can not reach it$/,
  ],
];

for (const [what, values, floatingIp, status, type, message] of ORDER) {
  test(`create: ${what}: ${status}`, async () => {
    const answer = await api.send('alice', 'POST', forwardings(floatingIp()), { port_forwarding: values() });
    assert.deepEqual([answer.status, answer.body.NeutronError.type], [status, type], JSON.stringify(answer.body));
    assert.match(answer.body.NeutronError.message, message);
  });
}

test('what another project forwards to a port of its own is not told to who names that port', async () => {
  // Bob's own forwardings behind his own router, then Alice guesses his port's id, address and ports.
  const { id } = await api.create('bob', '/networks', 'network', {});
  const subnet = await api.create('bob', '/subnets', 'subnet', { network_id: id, ip_version: 4, cidr: '10.3.0.0/24' });
  const router = await api.create('bob', '/routers', 'router', {
    external_gateway_info: { network_id: cloud.external.id },
  });
  await api.expect('bob', 'PUT', `/routers/${router.id}/add_router_interface`, { subnet_id: subnet.id });
  const port = await api.create('bob', '/ports', 'port', { network_id: id });
  const values = { ...valid(), ...to({ id: port.id, address: port.fixed_ips[0].ip_address }), internal_port: 443 };
  await api.expect('bob', 'POST', forwardings(bobs.id), { port_forwarding: values });
  for (const internal of [443, 444]) {
    const answer = await api.send('alice', 'POST', forwardings(cloud.floatingIp.id), {
      port_forwarding: { ...values, internal_port: internal, external_port: 2443 },
    });
    assert.deepEqual([answer.status, answer.body.NeutronError.type], [404, 'PortNotFound']);
  }
});

/** PUTs of a forwarding 1000 → VM 1 port 1000, beside one 80 → 80: values, status, a part of the message. */
const UPDATES: [string, () => object, number, RegExp | undefined][] = [
  ['nothing', () => ({}), 200, undefined],
  ['the same', () => valid(), 200, undefined],
  ['an unknown port', () => ({ internal_port_id: '9b68c54c-2d19-4ad4-a2a1-30574c83647c' }), 404, /could not be found/],
  ['a port of another project', () => ({ internal_port_id: foreign.id }), 404, /could not be found/],
  ['a port with a floating IP', () => ({ internal_port_id: ports.bound.id }), 409, /already has a binding floating IP/],
  ['a port without an address', () => ({ internal_port_id: ports.bare.id }), 400, /must allocate an IPv4 address/],
  ['a port behind no router', () => ({ internal_port_id: ports.lonely.id }), 400, /is not reachable from subnet/],
  ['a port behind another router', () => ({ internal_port_id: ports.elsewhere.id }), 400, /had been set on router/],
  [
    'an address that is not the port’s',
    () => ({ internal_ip_address: '192.168.2.80' }),
    400,
    /The internal IP does not correspond to an address on the internal port, which has fixed_ips \[\{/,
  ],
  [
    'an external port that is taken',
    () => ({ external_port: 80 }),
    400,
    /^Bad port_forwarding request: Another port forwarding entry with the same attributes already exists, conflicting values are \{'floating_ip_address': '10\.11\.7\.\d+', 'external_port': 80\}$/,
  ],
  [
    'an internal port that is taken',
    () => ({ internal_port: 80 }),
    400,
    /conflicting values are \{'internal_port_id': '\S+', 'internal_ip_address': '192\.168\.2\.79', 'internal_port': 80\}$/,
  ],
  [
    'an external range that overlaps',
    () => ({ external_port_range: '70:90' }),
    400,
    /collision with the external_port_range\. The following ranges collide: 80:80 and 70:90\.$/,
  ],
  [
    'an internal range that overlaps',
    () => ({ external_port_range: '2070:2090', internal_port_range: '70:90' }),
    400,
    /collision with the internal_port_range\. The following ranges collide: 80:80 and 70:90\.$/,
  ],
  ['an internal range alone', () => ({ internal_port_range: '1000:1001' }), 400, /N-N or 1-N/],
  ['an external port null', () => ({ external_port: null }), 400, /external_port/],
  ['an owner', () => ({ project_id: 'p-alice' }), 400, /^Cannot update read-only attribute project_id$/],
  ['a foreign owner', () => ({ tenant_id: 'p-bob' }), 400, /requires admin or advsvc/],
  ['an id', () => ({ id: 'x' }), 400, /^Cannot update read-only attribute id$/],
  ['a text as port', () => ({ external_port: '7000' }), 400, /'7000' is not an integer/],
  ['a number as range', () => ({ external_port_range: 7000 }), 400, /two integers separated by a colon/],
  ['port and range that disagree', () => ({ external_port: 5, external_port_range: '6:7' }), 400, /does not agree/],
  ['port and range that agree', () => ({ external_port: 5, external_port_range: '5' }), 200, undefined],
];

for (const [what, values, status, message] of UPDATES) {
  test(`update: ${what}: ${status}${status === 200 ? '' : ', and nothing changes'}`, async () => {
    const made = await api.expect('alice', 'POST', forwardings(cloud.floatingIp.id), { port_forwarding: valid() });
    const path = `${forwardings(cloud.floatingIp.id)}/${made.id}`;
    try {
      const answer = await api.send('alice', 'PUT', path, { port_forwarding: values() });
      assert.equal(answer.status, status, JSON.stringify(answer.body));
      if (message !== undefined) assert.match(answer.body.NeutronError.message, message);
      const shown = await api.expect('alice', 'GET', path);
      assert.deepEqual(shown, status === 200 ? answer.body.port_forwarding : made);
    } finally {
      await api.expect('alice', 'DELETE', path);
    }
  });
}

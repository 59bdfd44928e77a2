import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { aliceCloud, TestApi } from '../http/test-api.ts';

let api: TestApi;
let cloud: Awaited<ReturnType<typeof aliceCloud>>;
let foreign: { network: string; subnet: string; port: string };

const UNKNOWN = '9b68c54c-2d19-4ad4-a2a1-30574c83647c';

before(async () => {
  api = await TestApi.start();
  cloud = await aliceCloud(api);
  const { id: network } = await api.create('bob', '/networks', 'network', {});
  const subnet = await api.create('bob', '/subnets', 'subnet', {
    network_id: network,
    ip_version: 4,
    cidr: '10.8.0.0/24',
  });
  const port = await api.create('bob', '/ports', 'port', { network_id: network });
  foreign = { network, subnet: subnet.id, port: port.id };
});
after(() => api.stop());

const gateway = (values: object | null) => ({ external_gateway_info: values });
const put = (id: string, values: object, who = 'alice') => api.send(who, 'PUT', `/routers/${id}`, { router: values });
const act = (id: string, action: string, body: object, who = 'alice') =>
  api.send(who, 'PUT', `/routers/${id}/${action}`, body as Record<string, unknown>);
const newRouter = (values: object = {}, who = 'alice') => api.create(who, '/routers', 'router', { ...values });
async function newSubnet(cidr: string, more: object = {}) {
  const { id } = await api.create('alice', '/networks', 'network', {});
  return api.create('alice', '/subnets', 'subnet', { network_id: id, ip_version: 4, cidr, ...more });
}

test('a router as its project sees it, and as an admin does', async () => {
  const made = await newRouter({ name: 'r', ...gateway({ network_id: cloud.external.id }) });
  const [address] = made.external_gateway_info.external_fixed_ips;
  const shown = {
    id: made.id,
    project_id: 'p-alice',
    tenant_id: 'p-alice',
    created_at: made.created_at,
    updated_at: made.updated_at,
    revision_number: made.revision_number,
    name: 'r',
    description: '',
    admin_state_up: true,
    external_gateway_info: {
      network_id: cloud.external.id,
      external_fixed_ips: [{ subnet_id: cloud.externalSubnet.id, ip_address: address.ip_address }],
      enable_snat: true,
    },
    routes: [],
    flavor_id: null,
    availability_zone_hints: [],
    availability_zones: [],
    status: 'ACTIVE',
    tags: [],
  };
  assert.deepEqual(made, shown);
  assert.deepEqual(await api.expect('admin', 'GET', `/routers/${made.id}`), {
    ...shown,
    distributed: false,
    ha: false,
  });
  const [port] = await api.expect('admin', 'GET', `/ports?device_id=${made.id}`);
  assert.deepEqual([port.device_owner, port.project_id], ['network:router_gateway', '']);
  assert.deepEqual(await api.expect('alice', 'GET', `/ports?device_id=${made.id}`), []);
  assert.equal((await api.send('alice', 'DELETE', `/routers/${made.id}`)).status, 204);
  assert.deepEqual(await api.expect('admin', 'GET', `/ports?device_id=${made.id}`), []);
  const gone = await api.send('alice', 'GET', `/routers/${made.id}`);
  assert.deepEqual(
    [gone.body.NeutronError.type, gone.body.NeutronError.message],
    ['RouterNotFound', `Router ${made.id} could not be found`],
  );
});

/** What a POST says of the router: who, values, status, type, message. */
const REFUSED: [string, string, () => object, number, string, RegExp][] = [
  [
    'alice',
    'an unknown network',
    () => gateway({ network_id: UNKNOWN }),
    404,
    'NetworkNotFound',
    /could not be found\.$/,
  ],
  ['alice', 'a network of another', () => gateway({ network_id: foreign.network }), 404, 'NetworkNotFound', /\.$/],
  [
    'alice',
    'a network that is not external',
    () => gateway({ network_id: cloud.network.id }),
    400,
    'BadRequest',
    /^Bad router request: Network \S+ is not an external network\.$/,
  ],
  [
    'alice',
    'no network',
    () => gateway({ enable_snat: true }),
    400,
    'HTTPBadRequest',
    /^Invalid input for external_gateway_info\. Reason: Validation of dictionary's keys failed\. Expected keys: \{'network_id'\} Provided keys: \{'enable_snat'\}\.$/,
  ],
  [
    'alice',
    'more than there is',
    () => gateway({ network_id: cloud.external.id, foo: 1 }),
    400,
    'HTTPBadRequest',
    /Expected keys/,
  ],
  ['alice', 'no object', () => gateway([] as never), 400, 'HTTPBadRequest', /is not a dictionary/],
  [
    'alice',
    'a network id that is none',
    () => gateway({ network_id: 'x' }),
    400,
    'HTTPBadRequest',
    /'x' is not a valid UUID/,
  ],
  [
    'alice',
    'whether to translate',
    () => gateway({ network_id: cloud.external.id, enable_snat: false }),
    403,
    'PolicyNotAuthorized',
    /enable_snat/,
  ],
  [
    'alice',
    'an address',
    () => gateway({ network_id: cloud.external.id, external_fixed_ips: [{ ip_address: '10.11.7.99' }] }),
    403,
    'PolicyNotAuthorized',
    /external_fixed_ips/,
  ],
  [
    'admin',
    'a bad address',
    () => gateway({ network_id: cloud.external.id, external_fixed_ips: [{ ip_address: 'x' }] }),
    400,
    'HTTPBadRequest',
    /'x' is not a valid IP address/,
  ],
  [
    'admin',
    'an address outside',
    () => gateway({ network_id: cloud.external.id, external_fixed_ips: [{ ip_address: '10.12.7.9' }] }),
    400,
    'InvalidIpForNetwork',
    /./,
  ],
  [
    'admin',
    'a taken address',
    () =>
      gateway({
        network_id: cloud.external.id,
        external_fixed_ips: [{ ip_address: cloud.floatingIp.floating_ip_address }],
      }),
    409,
    'IpAddressAlreadyAllocated',
    /./,
  ],
  ['alice', 'distribution', () => ({ distributed: true }), 403, 'PolicyNotAuthorized', /create_router:distributed\)/],
  ['alice', 'availability', () => ({ ha: true }), 403, 'PolicyNotAuthorized', /create_router:ha\)/],
  ['alice', 'routes', () => ({ routes: [] }), 400, 'HTTPBadRequest', /^Attribute 'routes' not allowed in POST$/],
  ['alice', 'a flavor', () => ({ flavor_id: UNKNOWN }), 400, 'HTTPBadRequest', /flavors are not supported/],
  ['reader', 'anything', () => ({}), 403, 'PolicyNotAuthorized', /^rule:create_router is disallowed by policy$/],
];

for (const [who, what, values, status, type, message] of REFUSED) {
  test(`create by ${who} with ${what}: ${status}`, async () => {
    const before = (await api.expect('admin', 'GET', '/ports?fields=id')).length;
    const answer = await api.send(who, 'POST', '/routers', { router: values() });
    assert.deepEqual([answer.status, answer.body.NeutronError?.type], [status, type], JSON.stringify(answer.body));
    assert.match(answer.body.NeutronError.message, message);
    assert.equal((await api.expect('admin', 'GET', '/ports?fields=id')).length, before);
  });
}

test('the gateway: set, its addresses and translation changed by admins, cleared by null or {}', async () => {
  const { id } = await newRouter();
  const info = async (values: object | null, who = 'alice') => {
    const { status, body } = await put(id, gateway(values), who);
    assert.equal(status, 200, JSON.stringify(body));
    return body.router.external_gateway_info;
  };
  assert.equal((await info({ network_id: cloud.external.id })).enable_snat, true);
  const chosen = await info(
    { network_id: cloud.external.id, enable_snat: 'False', external_fixed_ips: [{ ip_address: '10.11.7.199' }] },
    'admin',
  );
  assert.deepEqual(chosen, {
    network_id: cloud.external.id,
    enable_snat: false,
    external_fixed_ips: [{ subnet_id: cloud.externalSubnet.id, ip_address: '10.11.7.199' }],
  });
  assert.deepEqual(await info({ network_id: cloud.external.id }), chosen, 'what is not said stays');
  assert.equal(await info({}), null);
  assert.equal((await info({ network_id: cloud.external.id })).enable_snat, true);
  assert.equal(await info(null), null);
  assert.equal(await info(null), null);
  assert.deepEqual(await api.expect('admin', 'GET', `/ports?device_id=${id}`), []);
  assert.equal((await put(id, { admin_state_up: false, name: 'n' })).body.router.name, 'n');
});

/** What add_router_interface refuses: body, status, type, message. */
const INTERFACES: [string, () => object | Promise<object>, number, string, RegExp][] = [
  ['nothing', () => ({}), 400, 'HTTPBadRequest', /Resource body required/],
  [
    'neither',
    () => ({ x: 1 }),
    400,
    'BadRequest',
    /^Bad router request: Either subnet_id or port_id must be specified\.$/,
  ],
  [
    'both',
    () => ({ subnet_id: cloud.subnet.id, port_id: cloud.vm1.id }),
    400,
    'BadRequest',
    /Cannot specify both subnet-id and port-id$/,
  ],
  ['a subnet that is none', () => ({ subnet_id: 'x' }), 400, 'HTTPBadRequest', /'x' is not a valid UUID/],
  ['an unknown subnet', () => ({ subnet_id: UNKNOWN }), 404, 'SubnetNotFound', /^Subnet \S+ could not be found\.$/],
  ['an unknown port', () => ({ port_id: UNKNOWN }), 404, 'PortNotFound', /^Port \S+ could not be found\.$/],
  ['a subnet of another', () => ({ subnet_id: foreign.subnet }), 404, 'SubnetNotFound', /could not be found\.$/],
  ['a port of another', () => ({ port_id: foreign.port }), 404, 'PortNotFound', /could not be found\.$/],
  [
    'a subnet without gateway',
    async () => ({ subnet_id: (await newSubnet('10.30.0.0/24', { gateway_ip: null })).id }),
    400,
    'BadRequest',
    /Subnet for router interface must have a gateway IP$/,
  ],
  [
    'the same subnet again',
    () => ({ subnet_id: cloud.subnet.id }),
    400,
    'BadRequest',
    /^Bad router request: Router already has a port on subnet \S+$/,
  ],
  [
    'a subnet that overlaps',
    async () => ({ subnet_id: (await newSubnet('192.168.0.0/16')).id }),
    400,
    'BadRequest',
    /^Bad router request: Cidr 192\.168\.0\.0\/16 of subnet \S+ overlaps with cidr 192\.168\.2\.0\/24 of subnet \S+$/,
  ],
  [
    'a subnet that overlaps with the outside',
    async () => ({ subnet_id: (await newSubnet('10.11.7.128/25')).id }),
    400,
    'BadRequest',
    /overlaps with cidr 10\.11\.7\.0\/24/,
  ],
  [
    'a port with a device',
    async () => {
      const { network_id } = await newSubnet('10.31.0.0/24');
      return { port_id: (await api.create('alice', '/ports', 'port', { network_id, device_id: 'vm' })).id };
    },
    409,
    'PortInUse',
    /^Unable to complete operation on port \S+ for network \S+\. Port already has an attached device vm\.$/,
  ],
  [
    'a port without address',
    async () => {
      const { network_id } = await newSubnet('10.31.0.0/24');
      return { port_id: (await api.create('alice', '/ports', 'port', { network_id, fixed_ips: [] })).id };
    },
    400,
    'BadRequest',
    /Router port must have at least one fixed IP$/,
  ],
  [
    'a port on two IPv4 subnets',
    async () => {
      const { network_id, id } = await newSubnet('10.31.0.0/24');
      const other = await api.create('alice', '/subnets', 'subnet', {
        network_id,
        ip_version: 4,
        cidr: '10.32.0.0/24',
      });
      const fixed_ips = [{ subnet_id: id }, { subnet_id: other.id }];
      return { port_id: (await api.create('alice', '/ports', 'port', { network_id, fixed_ips })).id };
    },
    400,
    'BadRequest',
    /Cannot have multiple IPv4 subnets on router port$/,
  ],
  [
    'a gateway address that is taken',
    async () => {
      const { network_id, id } = await newSubnet('10.33.0.0/24');
      await api.create('alice', '/ports', 'port', { network_id, fixed_ips: [{ ip_address: '10.33.0.1' }] });
      return { subnet_id: id };
    },
    409,
    'IpAddressAlreadyAllocated',
    /^IP address 10\.33\.0\.1 already allocated in subnet \S+$/,
  ],
];

for (const [what, body, status, type, message] of INTERFACES) {
  test(`add_router_interface with ${what}: ${status}`, async () => {
    const answer = await act(cloud.router.id, 'add_router_interface', await body());
    assert.deepEqual([answer.status, answer.body.NeutronError?.type], [status, type], JSON.stringify(answer.body));
    assert.match(answer.body.NeutronError.message, message);
  });
}

test('interfaces: what is answered, the port that is made, how it goes, who may', async () => {
  const { id } = await newRouter();
  const subnet = await newSubnet('10.41.0.0/24');
  const added = await act(id, 'add_router_interface', { subnet_id: subnet.id });
  const expected = {
    id,
    tenant_id: 'p-alice',
    project_id: 'p-alice',
    port_id: added.body.port_id,
    network_id: subnet.network_id,
    subnet_id: subnet.id,
    subnet_ids: [subnet.id],
  };
  assert.deepEqual([added.status, added.body], [200, expected]);
  const port = await api.expect('alice', 'GET', `/ports/${added.body.port_id}`);
  assert.deepEqual(
    [port.device_owner, port.device_id, port.fixed_ips[0].ip_address, port.port_security_enabled, port.security_groups],
    ['network:router_interface', id, '10.41.0.1', false, []],
  );
  const direct = await api.send('alice', 'DELETE', `/ports/${port.id}`);
  assert.equal(direct.body.NeutronError.type, 'ServicePortInUse');
  const used = await api.send('alice', 'DELETE', `/routers/${id}`);
  assert.deepEqual(
    [used.status, used.body.NeutronError.type, used.body.NeutronError.message],
    [409, 'RouterInUse', `Router ${id} has ports still attached: ${port.id}`],
  );
  for (const [body, status, type] of [
    [{ subnet_id: cloud.subnet.id }, 404, 'RouterInterfaceNotFoundForSubnet'],
    [{ port_id: cloud.vm1.id }, 404, 'RouterInterfaceNotFound'],
    [{ port_id: port.id, subnet_id: cloud.subnet.id }, 400, 'SubnetMismatchForPort'],
    [{ x: 1 }, 400, 'BadRequest'],
  ] as const) {
    const answer = await act(id, 'remove_router_interface', body);
    assert.deepEqual([answer.status, answer.body.NeutronError?.type], [status, type], JSON.stringify(body));
  }
  assert.equal((await act(id, 'add_router_interface', { subnet_id: subnet.id }, 'bob')).status, 404);
  assert.equal((await act(id, 'remove_router_interface', { subnet_id: subnet.id }, 'reader')).status, 403);
  assert.equal(
    (await act(UNKNOWN, 'add_router_interface', { subnet_id: subnet.id })).body.NeutronError.type,
    'RouterNotFound',
  );
  const removed = await act(id, 'remove_router_interface', { subnet_id: subnet.id, port_id: port.id });
  assert.deepEqual([removed.status, removed.body], [200, expected]);
  assert.equal((await api.send('alice', 'GET', `/ports/${port.id}`)).status, 404);
  const own = await api.create('alice', '/ports', 'port', { network_id: subnet.network_id });
  assert.equal((await act(id, 'add_router_interface', { port_id: own.id })).body.port_id, own.id);
  const taken = await api.expect('alice', 'GET', `/ports/${own.id}`);
  assert.deepEqual([taken.port_security_enabled, taken.security_groups], [false, []]);
  assert.equal((await act(id, 'remove_router_interface', { port_id: own.id })).status, 200);
  assert.equal((await api.send('alice', 'GET', `/ports/${own.id}`)).status, 404);
});

test('a port that only names a router as its device outlives it', async () => {
  const { id } = await newRouter();
  const port = await api.create('alice', '/ports', 'port', { network_id: cloud.network.id, device_id: id });
  assert.equal((await api.send('alice', 'DELETE', `/routers/${id}`)).status, 204);
  assert.equal((await api.send('alice', 'GET', `/ports/${port.id}`)).status, 200);
});

test('routes: replaced by PUT, added and removed one by one, checked against the router’s networks', async () => {
  const { id } = await newRouter();
  const subnet = await newSubnet('10.42.0.0/24');
  await act(id, 'add_router_interface', { subnet_id: subnet.id });
  const route = (n: number, nexthop = '10.42.0.9') => ({ destination: `10.${n}.0.0/16`, nexthop });
  const shown = async () => (await api.expect('alice', 'GET', `/routers/${id}`)).routes;
  const extra = (action: string, routes: unknown) => act(id, `${action}_extraroutes`, { router: { routes } });
  assert.deepEqual((await put(id, { routes: [route(50)] })).body.router.routes, [route(50)]);
  assert.deepEqual((await extra('add', [route(50), route(51)])).body.router.routes, [route(50), route(51)]);
  assert.deepEqual((await extra('remove', [route(50), route(99)])).body.router.routes, [route(51)]);
  assert.equal((await extra('add', [])).body.router.id, id);
  for (const [values, type, message] of [
    [
      [route(1, '10.99.0.1')],
      'InvalidRoutes',
      /^Invalid format for routes: \[.*\], the nexthop is not connected with router$/,
    ],
    [[route(1, '10.42.0.1')], 'InvalidRoutes', /the nexthop is used by router$/],
    [[route(1), route(1)], 'HTTPBadRequest', /Duplicate hostroute/],
    [[{ destination: 'x', nexthop: '10.42.0.9' }], 'HTTPBadRequest', /CIDR/],
    [[{ destination: '10.1.0.0/16' }], 'HTTPBadRequest', /Expected keys/],
    ['x', 'HTTPBadRequest', /'x' is not a list/],
    [Array.from({ length: 31 }, (_, i) => route(i + 100)), 'RoutesExhausted', /exceeds the maximum 30\.$/],
  ] as const) {
    for (const answer of [await put(id, { routes: values }), await extra('add', values)]) {
      assert.deepEqual([answer.status, answer.body.NeutronError?.type], [400, type], JSON.stringify(answer.body));
      assert.match(answer.body.NeutronError.message, message);
    }
  }
  for (const body of [{}, { routes: [] }, { router: {} }, { router: [] }, { router: { routes: 'x' } }]) {
    assert.equal((await act(id, 'add_extraroutes', body)).status, 400, JSON.stringify(body));
  }
  assert.deepEqual(await shown(), [route(51)]);
  const needed = await act(id, 'remove_router_interface', { subnet_id: subnet.id });
  assert.deepEqual([needed.status, needed.body.NeutronError.type], [409, 'RouterInterfaceInUseByRoute']);
  assert.deepEqual((await put(id, { routes: null })).body.router.routes, []);
  assert.equal((await act(id, 'remove_router_interface', { subnet_id: subnet.id })).status, 200);
});

test('distributed and ha: for admins, while the router is down', async () => {
  const { id } = await newRouter({}, 'admin');
  for (const flag of ['distributed', 'ha']) {
    assert.equal((await put(id, { admin_state_up: true, [flag]: true }, 'admin')).status, 400, flag);
    assert.equal((await put(id, { admin_state_up: false, [flag]: true }, 'admin')).body.router[flag], true);
    assert.equal((await put(id, { [flag]: true, admin_state_up: true }, 'admin')).status, 200, 'no change');
  }
  const own = await newRouter();
  assert.equal((await put(own.id, { distributed: true })).status, 403);
});

test('what floating IPs go through stays: gateway and interface', async () => {
  const floatingIp = await api.expect('alice', 'PUT', `/floatingips/${cloud.floatingIp.id}`, {
    floatingip: { port_id: cloud.vm1.id },
  });
  const removed = await act(cloud.router.id, 'remove_router_interface', { subnet_id: cloud.subnet.id });
  assert.deepEqual(
    [removed.status, removed.body.NeutronError.type, removed.body.NeutronError.message],
    [
      409,
      'RouterInterfaceInUseByFloatingIP',
      `Router interface for subnet ${cloud.subnet.id} on router ${cloud.router.id} cannot be deleted, as it is required by one or more floating IPs.`,
    ],
  );
  const other = await api.create('admin', '/networks', 'network', { 'router:external': true });
  await api.create('admin', '/subnets', 'subnet', { network_id: other.id, ip_version: 4, cidr: '10.12.0.0/24' });
  for (const values of [null, {}, { network_id: other.id }]) {
    const answer = await put(cloud.router.id, gateway(values));
    assert.deepEqual(
      [answer.status, answer.body.NeutronError.type, answer.body.NeutronError.message],
      [
        409,
        'RouterExternalGatewayInUseByFloatingIp',
        `Gateway cannot be updated for router ${cloud.router.id}, since a gateway to external network ${cloud.external.id} is required by one or more floating IPs.`,
      ],
    );
  }
  await api.expect('alice', 'PUT', `/floatingips/${floatingIp.id}`, { floatingip: { port_id: null } });
  const moved = await put(cloud.router.id, gateway({ network_id: other.id }));
  assert.equal(moved.body.router.external_gateway_info.network_id, other.id);
  await put(cloud.router.id, gateway({ network_id: cloud.external.id }));
});

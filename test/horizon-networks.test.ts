import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { HorizonCloud } from './horizon-cloud.ts';

let cloud: HorizonCloud;
before(async () => {
  cloud = await HorizonCloud.start();
});
after(() => cloud?.stop());

const network = (method: string, path: string, body?: object) => cloud.network('demo', method, path, body);

test('networks and subnets in Horizon: wizard, lists, details, changes, deletion', async () => {
  const session = await cloud.signIn('demo');
  // The wizard of three steps that creates a network with its subnet.
  const created = await session.fillIn('/project/networks/create', {
    net_name: 'web',
    mtu: '1400',
    subnet_name: 'web-v4',
    cidr: '192.168.40.0/24',
    gateway_ip: '192.168.40.254',
    allocation_pools: '192.168.40.10,192.168.40.20\n192.168.40.30,192.168.40.40',
    dns_nameservers: '9.9.9.9\n1.1.1.1',
    host_routes: '192.168.90.0/24,192.168.40.5',
  });
  assert.deepEqual(created.successes, ['Created network "web".']);
  const row = created.row('networks', 'web');
  assert.deepEqual(
    [row.cells['Subnets Associated'], row.cells.Shared, row.cells.External, row.cells.Status, row.cells['Admin State']],
    ['web-v4 192.168.40.0/24', 'No', 'No', 'Active', 'UP'],
  );
  const { network: made } = await network('GET', `networks/${row.id}`);
  assert.deepEqual([made.name, made.mtu, made.admin_state_up, made.shared], ['web', 1400, true, false]);
  const { subnet } = await network('GET', `subnets/${made.subnets[0]}`);
  assert.deepEqual(
    [subnet.name, subnet.cidr, subnet.gateway_ip, subnet.enable_dhcp, subnet.dns_nameservers, subnet.host_routes],
    [
      ...['web-v4', '192.168.40.0/24', '192.168.40.254', true, ['9.9.9.9', '1.1.1.1']],
      [{ destination: '192.168.90.0/24', nexthop: '192.168.40.5' }],
    ],
  );
  assert.deepEqual(subnet.allocation_pools, [
    { start: '192.168.40.10', end: '192.168.40.20' },
    { start: '192.168.40.30', end: '192.168.40.40' },
  ]);

  const { details } = await session.open(`/project/networks/${row.id}/detail`);
  assert.deepEqual(
    [details.Name, details.ID, details['Project ID'], details.Status, details['Admin State'], details.MTU],
    ['web', row.id, made.project_id, 'Active', 'UP', '1400'],
  );
  await session.fillIn(`/project/networks/${row.id}/update`, { name: 'web-down', admin_state: null });
  const { network: changed } = await network('GET', `networks/${row.id}`);
  assert.deepEqual([changed.name, changed.admin_state_up], ['web-down', false]);

  await session.fillIn(`/project/networks/${row.id}/subnets/create`, {
    subnet_name: 'web-v6',
    cidr: 'fd00:40::/64',
    ip_version: '6',
    ipv6_modes: 'slaac/slaac',
  });
  const subnets = await session.open(`/project/networks/${row.id}/detail?tab=network_tabs__subnets_tab`);
  const v6 = subnets.row('subnets', 'web-v6');
  assert.deepEqual(
    [v6.cells['Network Address'], v6.cells['IP Version'], v6.cells['Gateway IP']],
    ['fd00:40::/64', 'IPv6', 'fd00:40::1'],
  );
  assert.equal(subnets.row('subnets', 'web-v4').cells['Gateway IP'], '192.168.40.254');
  const { subnet: madeV6 } = await network('GET', `subnets/${v6.id}`);
  assert.deepEqual([madeV6.ipv6_address_mode, madeV6.ipv6_ra_mode, madeV6.ip_version], ['slaac', 'slaac', 6]);
  const shown = (await session.open(`/project/networks/subnets/${subnet.id}/detail`)).details;
  assert.deepEqual(
    [shown.CIDR, shown['IP Allocation Pools'], shown['DNS Name Servers'], shown['Additional Routes']],
    [
      '192.168.40.0/24',
      'Start 192.168.40.10 - End 192.168.40.20 Start 192.168.40.30 - End 192.168.40.40',
      '9.9.9.9 1.1.1.1',
      'Destination 192.168.90.0/24 : Next hop 192.168.40.5',
    ],
  );
  await session.fillIn(`/project/networks/${row.id}/subnets/${subnet.id}/update`, {
    subnet_name: 'web-four',
    no_gateway: 'on',
    gateway_ip: null,
    dns_nameservers: '8.8.8.8',
    host_routes: '',
  });
  const { subnet: four } = await network('GET', `subnets/${subnet.id}`);
  assert.deepEqual(
    [four.name, four.gateway_ip, four.dns_nameservers, four.host_routes],
    ['web-four', null, ['8.8.8.8'], []],
  );
  await session.press(`/project/networks/${row.id}/detail?tab=network_tabs__subnets_tab`, `subnets__delete__${v6.id}`);
  assert.deepEqual((await network('GET', `networks/${row.id}`)).network.subnets, [subnet.id]);
  await session.press('/project/networks/', `networks__delete__${row.id}`);
  assert.deepEqual((await network('GET', 'networks?name=web-down')).networks, []);
});

test('a subnet in Horizon takes its block from a pool', async () => {
  const session = await cloud.signIn('demo');
  const pool = { name: 'pool', prefixes: ['10.60.0.0/16'], default_prefixlen: 24 };
  const { subnetpool } = await network('POST', 'subnetpools', { subnetpool: pool });
  const created = await session.fillIn('/project/networks/create', {
    ...{ net_name: 'pooled', subnet_name: 'pooled-v4' },
    ...{ address_source: 'subnetpool', subnetpool: subnetpool.id, prefixlen: '26' },
  });
  const row = created.row('networks', 'pooled');
  assert.equal(row.cells['Subnets Associated'], 'pooled-v4 10.60.0.0/26');
  const [subnet] = (await network('GET', `subnets?network_id=${row.id}`)).subnets;
  assert.equal(subnet.subnetpool_id, subnetpool.id);
  assert.equal(
    (await session.open(`/project/networks/subnets/${subnet.id}/detail`)).details['Subnet Pool'],
    `pool (${subnetpool.id})`,
  );
});

test('ports in Horizon: created with an address, changed, with further addresses', async () => {
  const session = await cloud.signIn('demo');
  const { id } = (await network('POST', 'networks', { network: { name: 'ports' } })).network;
  const subnet = { network_id: id, ip_version: 4, cidr: '192.168.41.0/24', name: 'ports-v4' };
  await network('POST', 'subnets', { subnet });
  const path = `/project/networks/${id}/detail?tab=network_tabs__ports_tab`;

  await session.fillIn(`/project/networks/${id}/ports/create`, {
    name: 'fixed',
    specify_ip: 'fixed_ip',
    fixed_ip: '192.168.41.33',
    mac_address: 'fa:16:3e:11:22:33',
  });
  const { cells, id: portId } = (await session.open(path)).row('ports', 'fixed');
  assert.deepEqual(
    [cells['Fixed IPs'], cells['MAC Address'], cells['Attached Device'], cells.Status, cells['Admin State']],
    ['192.168.41.33', 'fa:16:3e:11:22:33', 'Detached', 'Down', 'UP'],
  );
  const { port } = await network('GET', `ports/${portId}`);
  assert.deepEqual(
    [port.fixed_ips[0].ip_address, port.mac_address, port.port_security_enabled, port['binding:vnic_type']],
    ['192.168.41.33', 'fa:16:3e:11:22:33', true, 'normal'],
  );
  assert.equal(port.security_groups.length, 1);
  // By subnet, without security.
  await session.fillIn(`/project/networks/${id}/ports/create`, {
    name: 'open',
    specify_ip: 'subnet_id',
    subnet_id: port.fixed_ips[0].subnet_id,
    port_security_enabled: null,
    create_security_groups_role_member: null,
  });
  const [open] = (await network('GET', 'ports?name=open')).ports;
  assert.deepEqual([open.port_security_enabled, open.security_groups], [false, []]);
  assert.match(open.fixed_ips[0].ip_address, /^192\.168\.41\./);

  const details = (await session.open(`/project/networks/ports/${portId}/detail`)).details;
  assert.deepEqual(
    [details['IP Address'], details['MAC Address'], details['Port Security Enabled'], details['VNIC Type']],
    ['192.168.41.33', 'fa:16:3e:11:22:33', 'True', 'Normal'],
  );
  assert.match(details.default ?? '', /ALLOW IPv4 from default/, 'the rules of its group');
  await session.fillIn(`/project/networks/${id}/ports/${portId}/update`, {
    name: 'changed',
    admin_state: null,
    update_security_groups_role_member: null,
  });
  const { port: changed } = await network('GET', `ports/${portId}`);
  assert.deepEqual([changed.name, changed.admin_state_up, changed.security_groups], ['changed', false, []]);

  const pairsTab = `/project/networks/ports/${portId}/detail?tab=port_details__allowed_address_pairs`;
  const pairsForm = `/project/networks/ports/${portId}/addallowedaddresspairs`;
  await session.fillIn(pairsForm, { ip: '192.168.41.99', mac: 'fa:16:3e:11:22:99' });
  await session.fillIn(pairsForm, { ip: '192.168.42.0/24' });
  const pairs = (await session.open(pairsTab)).table('allowed_address_pairs');
  assert.deepEqual(
    pairs.map((pair) => [pair.cells['IP Address or CIDR'], pair.cells['MAC Address']]),
    [
      ['192.168.41.99', 'fa:16:3e:11:22:99'],
      ['192.168.42.0/24', 'fa:16:3e:11:22:33'],
    ],
  );
  await session.press(pairsTab, 'allowed_address_pairs__delete__192.168.41.99');
  assert.deepEqual((await network('GET', `ports/${portId}`)).port.allowed_address_pairs, [
    { ip_address: '192.168.42.0/24', mac_address: 'fa:16:3e:11:22:33' },
  ]);
  await session.press(path, `ports__delete__${portId}`);
  assert.deepEqual((await network('GET', 'ports?name=changed')).ports, []);
});

test('routers in Horizon: gateway, interfaces, static routes; and the topology', async () => {
  const session = await cloud.signIn('demo');
  const externalId = await cloud.addExternalNetwork('uplink', '203.0.113.0/24');
  const { id: networkId } = (await network('POST', 'networks', { network: { name: 'inner' } })).network;
  const newSubnet = (cidr: string) =>
    network('POST', 'subnets', { subnet: { network_id: networkId, ip_version: 4, cidr, name: cidr } });
  const [first, second] = [(await newSubnet('192.168.50.0/24')).subnet, (await newSubnet('192.168.51.0/24')).subnet];

  const created = await session.fillIn('/project/routers/create/', { name: 'edge' });
  const row = created.row('routers', 'edge');
  assert.deepEqual([row.cells.Status, row.cells['External Network'], row.cells['Admin State']], ['Active', '-', 'UP']);
  const router = async () => (await network('GET', `routers/${row.id}`)).router;
  await session.fillIn(`/project/routers/${row.id}/setgateway`, { network_id: externalId });
  assert.equal((await router()).external_gateway_info.network_id, externalId);
  // With the gateway at once.
  await session.fillIn('/project/routers/create/', { name: 'second', external_network: externalId });
  const listed = await session.open('/project/routers/');
  assert.deepEqual(
    ['edge', 'second'].map((name) => listed.row('routers', name).cells['External Network']),
    ['uplink', 'uplink'],
  );
  await session.fillIn(`/project/routers/${row.id}/update`, { name: 'edge2', admin_state: null });
  assert.deepEqual([(await router()).name, (await router()).admin_state_up], ['edge2', false]);

  // An interface with the gateway's address of its subnet, and one with an address of its own.
  const interfaces = `/project/routers/${row.id}/?tab=router_details__interfaces`;
  const added = await session.fillIn(`/project/routers/${row.id}/addinterface`, { subnet_id: first.id });
  assert.deepEqual(added.successes, ['Interface added 192.168.50.1']);
  await session.fillIn(`/project/routers/${row.id}/addinterface`, {
    subnet_id: second.id,
    ip_address: '192.168.51.77',
  });
  const ports = (await session.open(interfaces)).table('interfaces');
  assert.deepEqual(
    ports.map(({ cells }) => [cells['Fixed IPs'], cells.Type]).sort(),
    [
      ['192.168.50.1', 'Internal Interface'],
      ['192.168.51.77', 'Internal Interface'],
    ],
    'the gateway’s port belongs to no project',
  );
  const { details } = await session.open(`/project/routers/${row.id}/`);
  assert.deepEqual(
    [details.Name, details.Status, details['Admin State'], details['Network Name'], details.SNAT],
    ['edge2', 'Active', 'DOWN', 'uplink', 'Enabled'],
  );
  const route = { destination: '198.51.100.0/24', nexthop: '192.168.50.9' };
  const routesTab = `/project/routers/${row.id}/?tab=router_details__extra_routes`;
  await session.fillIn(`/project/routers/${row.id}/addrouterroute`, route);
  assert.deepEqual((await router()).routes, [route]);
  assert.equal((await session.open(routesTab)).table('extra_routes')[0]?.cells['Next Hop'], '192.168.50.9');

  await session.open('/project/network_topology/');
  const topology = (await session.browser.script('GET', '/project/network_topology/json')) as Record<
    'networks' | 'routers' | 'ports' | 'servers',
    Record<string, unknown>[]
  >;
  assert.deepEqual(topology.routers.map(({ name }) => name).sort(), ['edge2', 'second']);
  assert.ok(topology.networks.some(({ name }) => name === 'inner'));
  assert.ok(topology.networks.some((one) => one.name === 'uplink' && one['router:external'] === true));
  assert.deepEqual(
    topology.ports
      .filter((port) => port.device_id === row.id && port.network_id === networkId)
      .map((port) => port.device_owner),
    ['network:router_interface', 'network:router_interface'],
  );
  await session.open(`/project/network_topology/router/${row.id}/`);
  await session.open(`/project/network_topology/network/${networkId}/`);

  await session.press(routesTab, `extra_routes__delete__${route.nexthop}:${route.destination}`);
  for (const port of ports) await session.press(interfaces, `interfaces__delete__${port.id}`);
  await session.press('/project/routers/', `routers__clear__${row.id}`);
  assert.deepEqual([(await router()).routes, (await router()).external_gateway_info], [[], null]);
  await session.press('/project/routers/', `routers__delete__${row.id}`);
  assert.deepEqual((await network('GET', 'routers?name=edge2')).routers, []);
});

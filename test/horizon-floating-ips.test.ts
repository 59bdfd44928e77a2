import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { HorizonCloud, type HorizonSession } from './horizon-cloud.ts';

let cloud: HorizonCloud;
before(async () => {
  cloud = await HorizonCloud.start();
});
after(() => cloud?.stop('DELETE /networking/v2.0/floatingips/* 409'));

const network = (method: string, path: string, body?: object) => cloud.network('demo', method, path, body);

/** A network with a router to an external one, and a VM on it, launched as Horizon's wizard launches it. */
async function launch(session: HorizonSession, name: string, third: number) {
  const externalId = await cloud.addExternalNetwork(`${name}-out`, `203.0.${third}.0/24`);
  const { id: networkId } = (await network('POST', 'networks', { network: { name: `${name}-net` } })).network;
  const cidr = `192.168.${third}.0/24`;
  const { subnet } = await network('POST', 'subnets', { subnet: { network_id: networkId, ip_version: 4, cidr } });
  const gateway = { external_gateway_info: { network_id: externalId } };
  const { router } = await network('POST', 'routers', { router: { name: `${name}-router`, ...gateway } });
  await network('PUT', `routers/${router.id}/add_router_interface`, { subnet_id: subnet.id });
  const images = (await session.browser.script('GET', '/api/glance/images/')) as { items: { id: string }[] };
  const flavors = (await session.browser.script('GET', '/api/nova/flavors/')) as { items: { id: string }[] };
  const server = (await session.browser.script('POST', '/api/nova/servers/', {
    name,
    key_name: null,
    user_data: '',
    security_groups: [],
    source_id: images.items[0]?.id,
    flavor_id: flavors.items[0]?.id,
    nics: [{ 'net-id': networkId, 'v4-fixed-ip': `192.168.${third}.79` }],
    instance_count: 1,
  })) as { id: string };
  const [port] = (await network('GET', `ports?device_id=${server.id}`)).ports;
  return { externalId, networkId, server, port };
}

test('floating IPs in Horizon: allocated, associated, released', async () => {
  const session = await cloud.signIn('demo');
  const { externalId, port, server } = await launch(session, 'vm1', 61);
  const allocated = await session.fillIn('/project/floating_ips/allocate/', {
    pool: externalId,
    description: 'web',
    dns_name: 'www',
    dns_domain: 'example.org.',
  });
  const [address] = /203\.0\.61\.\d+/.exec(allocated.successes[0] ?? '') ?? [];
  assert.deepEqual(allocated.successes, [`Allocated Floating IP ${address}.`]);
  const row = allocated.row('floating_ips', address as string);
  assert.deepEqual(
    [row.cells.Description, row.cells['DNS Name'], row.cells['DNS Domain'], row.cells.Pool, row.cells.Status],
    ['web', 'www', 'example.org.', 'vm1-out', 'Down'],
  );
  assert.equal(row.cells['Mapped Fixed IP Address'], '-');
  const floatingIp = async () => (await network('GET', `floatingips/${row.id}`)).floatingip;
  assert.deepEqual(
    [(await floatingIp()).description, (await floatingIp()).floating_network_id, (await floatingIp()).port_id],
    ['web', externalId, null],
  );

  // What Horizon offers to associate it with: the VM by name and address.
  const associate = `/project/floating_ips/associate/?ip_id=${row.id}`;
  const form = (await session.open(associate)).form('/project/floating_ips/associate/');
  assert.equal(form.choices.get('port_id')?.get('vm1: 192.168.61.79'), `${port.id}_192.168.61.79`);
  const associated = await session.fillIn(associate, { ip_id: row.id, port_id: `${port.id}_192.168.61.79` });
  assert.equal(associated.row('floating_ips', address as string).cells['Mapped Fixed IP Address'], 'vm1 192.168.61.79');
  assert.deepEqual([(await floatingIp()).port_id, (await floatingIp()).fixed_ip_address], [port.id, '192.168.61.79']);
  const instance = (await session.open('/project/instances/')).row('instances', 'vm1');
  assert.match(instance.cells['IP Address'] ?? '', new RegExp(`192.168.61.79.*${address}`));
  await session.press('/project/floating_ips/', `floating_ips__disassociate__${row.id}`);
  assert.equal((await floatingIp()).port_id, null);

  // From the instance's menu, and back.
  await session.fillIn(`/project/floating_ips/associate/?instance_id=${server.id}`, { ip_id: row.id });
  assert.equal((await floatingIp()).port_id, port.id);
  await session.fillIn(`/project/instances/${server.id}/disassociate`, { fip: row.id });
  assert.equal((await floatingIp()).port_id, null);
  await session.press('/project/floating_ips/', `floating_ips__release__${row.id}`);
  assert.deepEqual((await network('GET', 'floatingips')).floatingips, []);
});

test('a floating IP that forwards ports is one of the list, and is not released before its forwardings', async () => {
  const session = await cloud.signIn('demo');
  const { externalId, port } = await launch(session, 'vm2', 62);
  const { floatingip } = await network('POST', 'floatingips', { floatingip: { floating_network_id: externalId } });
  const forwarding = { protocol: 'tcp', internal_port_id: port.id, internal_ip_address: '192.168.62.79' };
  const { port_forwarding: made } = await network('POST', `floatingips/${floatingip.id}/port_forwardings`, {
    port_forwarding: { ...forwarding, internal_port: 22, external_port: 2222 },
  });
  const page = await session.open('/project/floating_ips/');
  const { cells } = page.row('floating_ips', floatingip.floating_ip_address);
  assert.deepEqual([cells['Mapped Fixed IP Address'], cells.Pool], ['-', 'vm2-out']);
  // Neutron's own rule, told in Horizon's words.
  const button = `floating_ips__release__${floatingip.id}`;
  const refused = await session.browser.submit(page.formOfTable('floating_ips'), { action: button });
  assert.match(refused.complaints.join(), /Unable to release floating ip: 203.0.62/);
  await network('DELETE', `floatingips/${floatingip.id}/port_forwardings/${made.id}`);
  await session.press('/project/floating_ips/', button);
  assert.deepEqual((await network('GET', `floatingips?id=${floatingip.id}`)).floatingips, []);
});

test('the requests of the panel for forwardings, which came to Horizon one release after Debian’s', async () => {
  const session = await cloud.signIn('demo');
  const { externalId, port } = await launch(session, 'vm4', 64);
  const { floatingip } = await network('POST', 'floatingips', { floatingip: { floating_network_id: externalId } });
  const path = `floatingips/${floatingip.id}/port_forwardings`;
  const target = { internal_ip_address: '192.168.64.79', internal_port_id: port.id };
  const post = async (rule: object) =>
    (await network('POST', path, { port_forwarding: { ...target, ...rule } })).port_forwarding;
  // One port is a number and has no range, several are a range and have no number; an empty description is left out.
  const one = await post({ protocol: 'tcp', internal_port: 22, external_port: 2222, description: 'ssh' });
  const range = { internal_port_range: '6000:6005', external_port_range: '5000:5005' };
  const several = await post({ protocol: 'udp', ...range });
  // Tables show the ranges; the form for changes begins with them, `22:22` as 22, and sends everything again.
  const { port_forwarding: shown } = await network('GET', `${path}/${one.id}`);
  assert.deepEqual([shown.internal_port_range, shown.external_port_range], ['22:22', '2222:2222']);
  const change = { protocol: 'tcp', internal_port: 22, external_port: 2200, description: 'moved', ...target };
  await network('PUT', `${path}/${one.id}`, { port_forwarding: change });
  const listed: Record<string, unknown>[] = (await network('GET', path)).port_forwardings;
  assert.deepEqual(
    listed.map((rule) => [rule.protocol, rule.external_port_range, rule.internal_port_range, rule.description]).sort(),
    [
      ['tcp', '2200:2200', '22:22', 'moved'],
      ['udp', '5000:5005', '6000:6005', ''],
    ],
  );
  for (const { id } of [one, several]) await network('DELETE', `${path}/${id}`);
  await session.press('/project/floating_ips/', `floating_ips__release__${floatingip.id}`);
});

test('instances in Horizon: list, details, interfaces, key pairs, overview', async () => {
  const session = await cloud.signIn('demo');
  const { server, networkId, port } = await launch(session, 'vm3', 63);
  const path = `/project/instances/${server.id}`;
  const { cells } = (await session.open('/project/instances/')).row('instances', 'vm3');
  assert.deepEqual(
    [cells['Image Name'], cells['IP Address'], cells.Flavor, cells.Status, cells['Power State']],
    ['namespace', '192.168.63.79', 'm1.tiny', 'Active', 'Running'],
  );
  const { details } = await session.open(`${path}/`);
  assert.deepEqual(
    [details.Name, details.Status, details['vm3-net'], details['Image Name'], details['Availability Zone']],
    ['vm3', 'Active', '192.168.63.79', 'namespace', 'nova'],
  );
  assert.match(details.default ?? '', /ALLOW IPv4 from default/, 'the rules of its group');
  const interfaces = (await session.open(`${path}/?tab=instance_details__interfaces`)).table('interfaces');
  assert.deepEqual(
    interfaces.map((one) => [one.id, one.cells.Network, one.cells['Fixed IPs'], one.cells['MAC Address']]),
    [[port.id, 'vm3-net', '192.168.63.79', port.mac_address]],
  );
  await session.open(`${path}/?tab=instance_details__log`);
  await session.open(`${path}/?tab=instance_details__audit`);

  await session.fillIn(`${path}/attach_interface`, {
    specification_method: 'network',
    network: networkId,
    fixed_ip: '192.168.63.80',
  });
  const portsOf = async (): Promise<{ id: string; fixed_ips: { ip_address: string }[] }[]> =>
    (await network('GET', `ports?device_id=${server.id}`)).ports;
  const second = (await portsOf()).find(({ id }) => id !== port.id);
  assert.equal(second?.fixed_ips[0]?.ip_address, '192.168.63.80');
  await session.fillIn(`${path}/detach_interface`, { port: second?.id as string });
  assert.deepEqual(
    (await portsOf()).map(({ id }) => id),
    [port.id],
  );
  await session.fillIn(`${path}/update`, { name: 'renamed', update_security_groups_role_member: null });
  assert.deepEqual((await network('GET', `ports/${port.id}`)).port.security_groups, []);
  await session.fillIn(`${path}/ports/${port.id}/update`, { name: 'named' });
  assert.equal((await network('GET', `ports/${port.id}`)).port.name, 'named');

  const overview = await session.open('/project/');
  const usage = overview.row('project_usage', 'renamed');
  assert.deepEqual([usage.cells.VCPUs, usage.cells.RAM, usage.cells.Disk], ['1', '512MB', '1GB']);
  await session.press('/project/instances/', `instances__stop__${server.id}`);
  const stopped = (await session.open('/project/instances/')).row('instances', 'renamed');
  assert.deepEqual([stopped.cells.Status, stopped.cells['Power State']], ['Shutoff', 'Shut Down']);
  await session.send((await session.open('/project/instances/')).formOfTable('instances'), {
    action: `instances__delete__${server.id}`,
  });
  assert.deepEqual(await portsOf(), [], 'its port went with it');
  await session.open('/project/instances/');
});

test('key pairs in Horizon, by the calls of its scripts', async () => {
  const session = await cloud.signIn('demo');
  await session.open('/project/key_pairs/');
  const keypairs = '/api/nova/keypairs/';
  const made = (await session.browser.script('POST', keypairs, { name: 'mine', key_type: 'ssh' })) as {
    private_key: string;
    public_key: string;
  };
  assert.match(made.private_key, /^-----BEGIN OPENSSH PRIVATE KEY-----/);
  const imported = { name: 'imported', key_type: 'ssh', public_key: made.public_key };
  await session.browser.script('POST', keypairs, imported);
  const listed = (await session.browser.script('GET', keypairs)) as { items: { keypair: { name: string } }[] };
  assert.deepEqual(listed.items.map(({ keypair }) => keypair.name).sort(), ['imported', 'mine']);
  await session.browser.script('DELETE', `${keypairs}mine`);
  assert.equal((await cloud.api('demo', 'GET', 'compute/v2.1/os-keypairs')).keypairs.length, 1);
});

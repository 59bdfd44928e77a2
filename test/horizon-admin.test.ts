import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { HorizonCloud } from './horizon-cloud.ts';

let cloud: HorizonCloud;
before(async () => {
  cloud = await HorizonCloud.start();
  await cloud.reportHost('host-1');
});
after(() => cloud?.stop());

const admin = (method: string, path: string, body?: object) => cloud.network('admin', method, path, body);
const demoProject = async (): Promise<string> =>
  (await cloud.api('admin', 'GET', 'identity/v3/projects?name=demo')).projects[0].id;

test('networks of every project in Horizon, with what only administrators set', async () => {
  const session = await cloud.signIn('admin');
  const project = await demoProject();
  await cloud.network('demo', 'POST', 'networks', { network: { name: 'theirs' } });
  const created = await session.fillIn('/admin/networks/create/', {
    ...{ name: 'uplink', tenant_id: project, network_type: 'flat', physical_network: 'public' },
    ...{ external: 'on', shared: 'on', subnet_name: 'uplink-v4', cidr: '203.0.113.0/24', enable_dhcp: null },
  });
  const row = created.row('networks', 'uplink');
  assert.deepEqual(
    [row.cells.Project, row.cells['Subnets Associated'], row.cells.Shared, row.cells.External],
    ['demo', 'uplink-v4 203.0.113.0/24', 'Yes', 'Yes'],
  );
  assert.equal(created.row('networks', 'theirs').cells.Project, 'demo');
  const { network } = await admin('GET', `networks/${row.id}`);
  assert.deepEqual(
    [network.project_id, network['router:external'], network.shared, network['provider:physical_network']],
    [project, true, true, 'public'],
  );
  const detail = await session.open(`/admin/networks/${row.id}/detail`);
  assert.equal(detail.details['Provider Network'], 'Network Type: flat');
  await session.fillIn(`/admin/networks/${row.id}/update`, { name: 'renamed', shared: null });
  assert.equal((await admin('GET', `networks/${row.id}`)).network.shared, false);

  const tab = (name: string) => session.open(`/admin/networks/${row.id}/detail?tab=network_tabs__${name}`);
  await session.fillIn(`/admin/networks/${row.id}/ports/create`, {
    ...{ name: 'chosen', specify_ip: 'fixed_ip', fixed_ip: '203.0.113.50' },
    ...{ binding__host_id: 'host-1', device_id: 'elsewhere', device_owner: 'network:mine' },
  });
  const port = (await tab('ports_tab')).row('ports', 'chosen');
  assert.deepEqual([port.cells['Fixed IPs'], port.cells['Attached Device']], ['203.0.113.50', 'network:mine']);
  assert.equal((await admin('GET', `ports/${port.id}`)).port['binding:host_id'], 'host-1');
  assert.equal((await session.open(`/admin/networks/ports/${port.id}/detail`)).details.Host, 'host-1');
  // How many addresses there are is asked of network-ip-availability.
  const subnet = (await tab('subnets_tab')).row('subnets', 'uplink-v4');
  assert.deepEqual([subnet.cells['Used IPs'], subnet.cells['Free IPs']], ['1', '252']);
  const agent = (await tab('agents_tab')).table('agents')[0];
  assert.deepEqual([agent?.cells.Host, agent?.cells.Status, agent?.cells['Admin State']], ['host-1', 'Enabled', 'Up']);
  await session.press(`/admin/networks/${row.id}/detail?tab=network_tabs__ports_tab`, `ports__delete__${port.id}`);
  await session.press('/admin/networks/', `networks__delete__${row.id}`);
  assert.deepEqual((await admin('GET', 'networks?name=renamed')).networks, []);
});

test('floating IPs and routers of every project in Horizon', async () => {
  const session = await cloud.signIn('admin');
  const project = await demoProject();
  const externalId = await cloud.addExternalNetwork('outside', '198.51.100.0/24');
  const form = (await session.open('/admin/floating_ips/allocate/')).form('/admin/floating_ips/allocate/');
  await session.fillIn('/admin/floating_ips/allocate/', {
    pool: form.choices.get('pool')?.get('outside 198.51.100.0/24') as string,
    tenant: project,
    floating_ip_address: '198.51.100.77',
  });
  const floatingIp = (await session.open('/admin/floating_ips/')).row('floating_ips', '198.51.100.77');
  assert.deepEqual([floatingIp.cells.Project, floatingIp.cells.Pool], ['demo', 'outside']);
  const { floatingip: made } = await admin('GET', `floatingips/${floatingIp.id}`);
  assert.deepEqual([made.project_id, made.floating_network_id], [project, externalId]);
  assert.equal((await session.open(`/admin/floating_ips/${floatingIp.id}/detail/`)).details.ID, floatingIp.id);
  await session.press('/admin/floating_ips/', `floating_ips__release__${floatingIp.id}`);

  const created = await session.fillIn('/admin/routers/create/', {
    ...{ name: 'spread', tenant_id: project, mode: 'distributed', ha: 'enabled' },
    ...{ external_network: externalId, enable_snat: null },
  });
  const row = created.row('routers', 'spread');
  assert.deepEqual(
    [row.cells.Project, row.cells.Distributed, row.cells['HA mode'], row.cells['External Network']],
    ['demo', 'Yes', 'Yes', 'outside'],
  );
  const { router } = await admin('GET', `routers/${row.id}`);
  assert.deepEqual(
    [router.distributed, router.ha, router.project_id, router.external_gateway_info.enable_snat],
    [true, true, project, false],
  );
  const { details } = await session.open(`/admin/routers/${row.id}/`);
  assert.deepEqual([details['High Availability Mode'], details.SNAT], ['Yes', 'Disabled']);
  const gateway = (await session.open(`/admin/routers/${row.id}/?tab=router_details__interfaces`)).table('interfaces');
  assert.deepEqual(
    gateway.map(({ cells }) => cells.Type),
    ['External Gateway'],
  );
  const [agent] = (await admin('GET', 'agents?agent_type=L3%20agent')).agents;
  const carried = await session.open(`/admin/routers/${agent.id}/l3_agent_list`);
  assert.equal(carried.row('routers', 'spread').id, row.id);
  await session.fillIn(`/admin/routers/${row.id}/update`, { name: 'still', admin_state: null });
  assert.equal((await admin('GET', `routers/${row.id}`)).router.admin_state_up, false);
  await session.press('/admin/routers/', `routers__delete__${row.id}`);
});

test('hosts, agents, sizes and what the cloud runs, in Horizon', async () => {
  const session = await cloud.signIn('admin');
  const [image] = (await cloud.api('admin', 'GET', 'image/v2/images')).images;
  const server = { name: 'everywhere', flavorRef: '2', imageRef: image.id };
  const made = await cloud.api('demo', 'POST', 'compute/v2.1/servers', { server });
  const listed = (await session.open('/admin/instances/')).row('instances', 'everywhere');
  assert.deepEqual([listed.cells.Project, listed.cells.Host, listed.cells.Flavor], ['demo', 'host-1', 'm1.small']);
  await session.open(`/admin/instances/${made.server.id}/detail`);
  const usage = (await session.open('/admin/')).row('global_usage', 'demo');
  assert.deepEqual([usage.cells.VCPUs, usage.cells.RAM, usage.cells.Disk], ['1', '2GB', '20GB']);
  const hypervisors = await session.open('/admin/hypervisors/');
  const hypervisor = hypervisors.row('hypervisors', 'host-1');
  assert.deepEqual([hypervisor.cells['VCPUs (used)'], hypervisor.cells.Instances], ['1', '1']);
  assert.equal(hypervisors.row('compute_host', 'host-1').cells.State, 'Up');
  const aggregates = await session.open('/admin/aggregates/');
  assert.deepEqual(aggregates.table('host_aggregates'), []);
  assert.equal(aggregates.row('availability_zones', 'nova').cells.Hosts, 'host-1 (Services Up)');
  const flavors = (await session.open('/admin/flavors/')).table('flavors');
  assert.deepEqual(
    flavors.map(({ cells }) => cells['Flavor Name']),
    ['m1.tiny', 'm1.small', 'm1.medium'],
  );
  await session.open('/admin/images/');

  const info = await session.open('/admin/info/');
  assert.deepEqual(
    info.table('services').map(({ cells }) => cells.Service),
    ['identity', 'network', 'compute', 'image'],
  );
  assert.equal(info.row('nova_services', 'nova-compute').cells.Host, 'host-1');
  assert.deepEqual(
    info
      .table('network_agents')
      .map(({ cells }) => [cells.Type, cells.Name, cells.State])
      .sort(),
    [
      ['DHCP agent', 'neutron-dhcp-agent', 'Up'],
      ['L3 agent', 'neutron-l3-agent', 'Up'],
      ['Linux bridge agent', 'neutron-linuxbridge-agent', 'Up'],
    ],
  );
});

test('quotas in Horizon: set for a project, shown in its overview, kept', async () => {
  const session = await cloud.signIn('admin');
  const project = await demoProject();
  const defaults = (await session.open('/admin/defaults/')).table('network_quotas');
  const named = new Map(defaults.map(({ cells }) => [cells['Quota Name'], cells.Limit]));
  assert.deepEqual(
    [named.get('Networks'), named.get('Floating IPs'), named.get('Security Groups')],
    ['100', '50', '10'],
  );
  const externalId = await cloud.addExternalNetwork('counted', '192.0.2.0/24');
  const used = (await cloud.network('demo', 'GET', 'floatingips')).floatingips.length;
  const limit = String(used + 1);
  await session.fillIn(`/identity/${project}/update_quotas/`, { floatingip: limit, router: '3' });
  const { quota } = await admin('GET', `quotas/${project}`);
  assert.deepEqual([quota.floatingip, quota.router, quota.network], [used + 1, 3, 100]);

  const theirs = await cloud.signIn('demo');
  const { limits } = await theirs.open('/project/');
  assert.equal(limits['Floating IPs'], `Allocated ${used} of ${limit}`);
  assert.match(limits.Routers ?? '', /^Used \d of 3$/);
  assert.match(limits['Security Groups'] ?? '', /of 10$/);
  const allocate = '/project/floating_ips/allocate/';
  await theirs.fillIn(allocate, { pool: externalId });
  assert.match((await theirs.open('/project/floating_ips/')).html, /Allocate IP To Project \(Quota exceeded\)/);
  const refused = await theirs.browser.submit((await theirs.open(allocate)).form(allocate), { pool: externalId });
  assert.match(refused.complaints.join(), /already using all of your available floating IPs/);
});

test('networks shared by RBAC policies in Horizon', async () => {
  const session = await cloud.signIn('admin');
  const { network } = await admin('POST', 'networks', { network: { name: 'lent' } });
  const created = await session.fillIn('/admin/rbac_policies/create/', {
    target_tenant: await demoProject(),
    action_object_type: 'shared_network',
    network_id: network.id,
  });
  const row = created.table('rbac-policies').find(({ cells }) => cells.Object?.includes('lent'));
  assert.equal(row?.cells['Target Project'], 'demo');
  assert.equal((await session.open(`/admin/rbac_policies/${row?.id}/`)).details['Object Type'], 'network');
  const theirs = await cloud.signIn('demo');
  assert.equal((await theirs.open('/project/networks/')).row('networks', 'lent').cells.Shared, 'Yes');
  // The page of this form does not render outside a pop-up: it names a template that Horizon does not have.
  const update = { ...created.formOfTable('rbac-policies'), action: `/admin/rbac_policies/${row?.id}/update` };
  await session.send(update, { target_tenant: '*' });
  assert.equal((await admin('GET', `rbac-policies/${row?.id}`)).rbac_policy.target_tenant, '*');
  await session.press('/admin/rbac_policies/', `rbac policies__delete__${row?.id}`);
  assert.deepEqual((await admin('GET', `rbac-policies?object_id=${network.id}`)).rbac_policies, []);
});

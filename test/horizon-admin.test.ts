import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { HorizonCloud } from './horizon-cloud.ts';

let cloud: HorizonCloud;
before(async () => {
  cloud = await HorizonCloud.start();
});
after(() => cloud?.stop());

const admin = (method: string, path: string, body?: object) => cloud.api('admin', method, 'network', path, body);

test('networks of every project in Horizon, with what administrators set', async () => {
  const session = await cloud.signIn('admin');
  const demoProject = (await cloud.api('demo', 'POST', 'network', 'networks', { network: { name: 'theirs' } })).network.project_id;
  const p = await session.open('/admin/networks/create/');
  console.log(p.form('/admin/networks/create/'));
  const created = await session.fillIn('/admin/networks/create/', {
    name: 'shared-out', tenant_id: demoProject, network_type: 'flat', physical_network: 'public', external: 'on', shared: 'on', with_subnet: null,
  });
  console.log(created.table('networks'));
  const row = created.row('networks', 'shared-out');
  console.log((await admin('GET', `networks/${row.id}`)).network);
  const d = await session.open(`/admin/networks/${row.id}/detail`);
  console.log(d.details, [...d.html.matchAll(/<table id="([^"]*)"/g)].map((m) => m[1]), [...d.html.matchAll(/\?tab=[a-z_]+/g)].map((m) => m[0]));
  for (const tab of ['subnets_tab', 'ports_tab', 'agents_tab']) {
    const t = await session.open(`/admin/networks/${row.id}/detail?tab=network_tabs__${tab}`);
    console.log(tab, [...t.html.matchAll(/<table id="([^"]*)"/g)].map((m) => m[1]));
  }
  await session.fillIn(`/admin/networks/${row.id}/update`, { name: 'renamed' });
  await session.fillIn(`/admin/networks/${row.id}/subnets/create`, { subnet_name: 's', cidr: '203.0.113.0/24', enable_dhcp: null });
  await session.fillIn(`/admin/networks/${row.id}/ports/create`, { name: 'p' });
  const fip = await session.open('/admin/floating_ips/allocate/');
  console.log(fip.form('/admin/floating_ips/allocate/'));
  await session.fillIn('/admin/floating_ips/allocate/', { pool: [...(fip.form('/admin/floating_ips/allocate/').choices.get('pool')?.values() ?? [])][0] as string, tenant: demoProject, floating_ip_address: '203.0.113.77' });
  console.log((await session.open('/admin/floating_ips/')).table('floating_ips'));
  const r = await session.fillIn('/admin/routers/create/', { name: 'r1', mode: 'distributed', ha: 'enabled', external_network: row.id, tenant_id: demoProject });
  console.log(r.table('routers'));
  const rid = r.row('routers', 'r1').id;
  console.log((await session.open(`/admin/routers/${rid}/`)).details);
  await session.open(`/admin/routers/${rid}/?tab=router_details__interfaces`);
  const ri = await session.open(`/admin/routers/${rid}/?tab=router_details__interfaces`);
  console.log(ri.table('interfaces'));
  await session.open(`/admin/routers/${rid}/?tab=router_details__agents`);
  await cloud.reportFrom('host-1');
  for (const path of ['/admin/', '/admin/instances/', '/admin/hypervisors/', '/admin/aggregates/', '/admin/flavors/', '/admin/images/', '/admin/info/', '/admin/info/?tab=system_info__network_agents', '/admin/info/?tab=system_info__nova_services', '/identity/', '/identity/users/', '/identity/roles/', '/identity/groups/', '/identity/application_credentials/']) {
    const page = await session.open(path);
    console.log(path, [...page.html.matchAll(/<table id="([^"]*)"/g)].map((m) => [m[1], JSON.stringify(page.table(m[1] as string).map((x) => x.cells))].join(' ')));
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ApiCloud, withApiCloud } from './api-cloud.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape
type Body = any;

/** An answer as a tool sees it. */
interface Answer {
  status: number;
  headers: Headers;
  body: Body;
}

/** Sends what a tool sends; the status has to be exactly the one that it expects. */
async function send(
  status: number,
  method: string,
  url: string,
  { token, body, headers = {} }: { token?: string; body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: {
      accept: 'application/json',
      ...(token !== undefined && { 'x-auth-token': token }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  assert.equal(response.status, status, `${method} ${url}: ${text}`);
  // Tempest decodes every body, refusals too, by its type.
  if (text !== '') assert.match(response.headers.get('content-type') ?? '', /^application\/json/, `${method} ${url}`);
  if (status === 204) assert.equal(text, '');
  assert.match(response.headers.get('x-openstack-request-id') ?? '', /^req-[0-9a-f-]{36}$/);
  return { status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
}

/** A token of a user of clouds.yaml, got as gophercloud does, from a URL without version. */
async function signIn(cloud: ApiCloud, user: string): Promise<{ token: string; body: Body }> {
  const { body } = await send(300, 'GET', `${cloud.url}/identity/`);
  const [version] = body.versions.values;
  assert.match(version.id, /^v3\.\d+$/);
  assert.equal(version.status, 'stable');
  return passwordToken(version.links[0].href, user, cloud.passwordOf(user) as string, user);
}

async function passwordToken(identity: string, user: string, password: string, project: string) {
  const domain = { name: 'Default' };
  const { headers, body } = await send(201, 'POST', `${identity}auth/tokens`, {
    body: {
      auth: {
        identity: { methods: ['password'], password: { user: { name: user, domain, password } } },
        scope: { project: { name: project, domain } },
      },
    },
  });
  return { token: headers.get('x-subject-token') as string, body: body.token };
}

/** The public endpoint of a type, from the catalog. */
const endpoint = (token: Body, type: string): string =>
  token.catalog
    .find((service: Body) => service.type === type)
    .endpoints.find((item: Body) => item.interface === 'public' && item.region_id === 'RegionOne').url;

test('gophercloud and Terraform: a port forwarding from create to gone', async () => {
  await withApiCloud(async (cloud) => {
    const { token, body } = await signIn(cloud, 'admin');
    const network = `${endpoint(body, 'network')}/v2.0`;
    const create = async (path: string, name: string, values: Body) =>
      (await send(201, 'POST', `${network}/${path}`, { token, body: { [name]: values } })).body[name];
    const show = async (path: string, name: string) =>
      (await send(200, 'GET', `${network}/${path}`, { token })).body[name];

    const external = await create('networks', 'network', {
      ...{ name: 'public', admin_state_up: true, 'router:external': true },
      ...{ 'provider:network_type': 'flat', 'provider:physical_network': 'public' },
    });
    assert.equal((await show(`networks/${external.id}`, 'network')).status, 'ACTIVE');
    const outside = { network_id: external.id, cidr: '203.0.113.0/24', ip_version: 4, enable_dhcp: false };
    await create('subnets', 'subnet', outside);
    const inner = await create('networks', 'network', { name: 'inner', admin_state_up: true });
    const subnet = await create('subnets', 'subnet', {
      ...{ name: 'inner', network_id: inner.id, cidr: '10.1.0.0/24', ip_version: 4, enable_dhcp: true },
      ...{ dns_nameservers: ['10.1.0.2'], allocation_pools: [{ start: '10.1.0.10', end: '10.1.0.200' }] },
    });
    const router = await create('routers', 'router', {
      ...{ name: 'router', admin_state_up: true, external_gateway_info: { network_id: external.id } },
    });
    assert.equal((await show(`routers/${router.id}`, 'router')).external_gateway_info.network_id, external.id);
    const added = await send(200, 'PUT', `${network}/routers/${router.id}/add_router_interface`, {
      token,
      body: { subnet_id: subnet.id },
    });
    const port = await create('ports', 'port', {
      ...{ network_id: inner.id, name: 'vm', admin_state_up: true },
      fixed_ips: [{ subnet_id: subnet.id, ip_address: '10.1.0.11' }],
    });
    assert.match((await show(`ports/${port.id}`, 'port')).status, /^(DOWN|ACTIVE|BUILD)$/);
    const floatingIp = await create('floatingips', 'floatingip', { floating_network_id: external.id });
    assert.match((await show(`floatingips/${floatingIp.id}`, 'floatingip')).status, /^(DOWN|ACTIVE)$/);

    const forwardings = `floatingips/${floatingIp.id}/port_forwardings`;
    const forwarding = await create(forwardings, 'port_forwarding', {
      ...{ internal_port_id: port.id, internal_ip_address: '10.1.0.11', internal_port: 22 },
      ...{ external_port: 2222, protocol: 'tcp' },
    });
    const path = `${forwardings}/${forwarding.id}`;
    const polled = await show(path, 'port_forwarding');
    assert.deepEqual([polled.external_port, polled.internal_port, polled.protocol], [2222, 22, 'tcp']);
    assert.deepEqual(polled, forwarding);
    const listed = await send(200, 'GET', `${network}/${forwardings}?limit=1`, { token });
    assert.deepEqual(listed.body.port_forwardings, [forwarding]);
    const next = listed.body.port_forwardings_links.find((link: Body) => link.rel === 'next');
    const empty = await send(200, 'GET', next.href, { token });
    assert.deepEqual(empty.body, { port_forwardings: [] });
    const updated = await send(200, 'PUT', `${network}/${path}`, {
      token,
      body: { port_forwarding: { internal_port: 2200, external_port: 2022, protocol: 'tcp' } },
    });
    assert.equal(updated.body.port_forwarding.external_port, 2022);
    await send(409, 'DELETE', `${network}/floatingips/${floatingIp.id}`, { token });
    await send(204, 'DELETE', `${network}/${path}`, { token });
    const gone = await send(404, 'GET', `${network}/${path}`, { token });
    assert.equal(gone.body.NeutronError.type, 'PortForwardingNotFound');
    await send(404, 'DELETE', `${network}/${path}`, { token });

    const revision = (await show(`floatingips/${floatingIp.id}`, 'floatingip')).revision_number;
    const stale = { 'if-match': `revision_number=${revision - 1}` };
    await send(412, 'PUT', `${network}/floatingips/${floatingIp.id}`, {
      ...{ token, headers: stale, body: { floatingip: { port_id: port.id } } },
    });
    const fresh = { 'if-match': `revision_number=${revision}` };
    await send(200, 'PUT', `${network}/floatingips/${floatingIp.id}`, {
      ...{ token, headers: fresh, body: { floatingip: { port_id: port.id } } },
    });
    await send(200, 'PUT', `${network}/floatingips/${floatingIp.id}`, {
      token,
      body: { floatingip: { port_id: null } },
    });
    await send(204, 'DELETE', `${network}/floatingips/${floatingIp.id}`, { token });
    await send(409, 'DELETE', `${network}/routers/${router.id}`, { token });
    await send(200, 'PUT', `${network}/routers/${router.id}/remove_router_interface`, {
      token,
      body: { subnet_id: subnet.id, port_id: added.body.port_id },
    });
    for (const object of [`routers/${router.id}`, `ports/${port.id}`, `subnets/${subnet.id}`, `networks/${inner.id}`]) {
      await send(204, 'DELETE', `${network}/${object}`, { token });
      await send(404, 'GET', `${network}/${object}`, { token });
    }
  });
});

test('Ansible: what its modules read before they decide, and what they then do', async () => {
  await withApiCloud(async (cloud) => {
    await cloud.reportHost('host1');
    const { token, body } = await signIn(cloud, 'admin');
    const network = `${endpoint(body, 'network')}/v2.0`;
    const compute = endpoint(body, 'compute');
    const get = async (url: string) => (await send(200, 'GET', url, { token })).body;
    const extensions = await get(`${network}/extensions`);
    const aliases = extensions.extensions.map((item: Body) => item.alias);
    for (const alias of ['router', 'external-net', 'security-group', 'floating-ip-port-forwarding']) {
      assert.ok(aliases.includes(alias), alias);
    }
    // A module looks a name up by id first, and by name after the 404.
    await send(404, 'GET', `${network}/networks/web`, { token });
    assert.deepEqual(await get(`${network}/networks?name=web`), { networks: [] });
    const create = async (path: string, name: string, values: Body) =>
      (await send(201, 'POST', `${network}/${path}`, { token, body: { [name]: values } })).body[name];
    const external = await create('networks', 'network', {
      ...{ name: 'public', 'router:external': true },
      ...{ 'provider:network_type': 'flat', 'provider:physical_network': 'public' },
    });
    await create('subnets', 'subnet', {
      ...{ network_id: external.id, cidr: '203.0.113.0/24', ip_version: 4, enable_dhcp: false },
    });
    const web = await create('networks', 'network', { name: 'web', admin_state_up: true });
    const subnet = await create('subnets', 'subnet', { network_id: web.id, cidr: '10.1.0.0/24', ip_version: 4 });
    const router = await create('routers', 'router', {
      name: 'web',
      external_gateway_info: { network_id: external.id },
    });
    await send(200, 'PUT', `${network}/routers/${router.id}/add_router_interface`, {
      token,
      body: { subnet_id: subnet.id },
    });
    // os_server: flavor and image by name, then a server.
    const { flavors } = await get(`${compute}/flavors/detail?is_public=None`);
    const { images } = await get(`${endpoint(body, 'image')}/v2/images?name=namespace`);
    const made = await send(202, 'POST', `${compute}/servers`, {
      token,
      body: {
        server: {
          ...{ name: 'web', flavorRef: flavors[0].id, imageRef: images[0].id, networks: [{ uuid: web.id }] },
          ...{ min_count: 1, max_count: 1, config_drive: false },
        },
      },
    });
    const { id } = made.body.server;
    // os_floating_ip: servers, its ports, networks and subnets, floating IPs; then it makes one.
    const { servers } = await get(`${compute}/servers/detail`);
    assert.deepEqual(
      servers.map((server: Body) => [server.id, Object.keys(server.addresses)]),
      [[id, ['web']]],
    );
    const { ports } = await get(`${network}/ports?device_id=${id}`);
    assert.equal(ports.length, 1);
    const { networks } = await get(`${network}/networks`);
    const { subnets } = await get(`${network}/subnets`);
    assert.deepEqual(networks.map((item: Body) => item['router:external']).sort(), [false, true]);
    assert.equal(subnets.length, 2);
    assert.deepEqual(await get(`${network}/floatingips`), { floatingips: [] });
    const floatingIp = await create('floatingips', 'floatingip', {
      ...{ floating_network_id: external.id, port_id: ports[0].id, fixed_ip_address: ports[0].fixed_ips[0].ip_address },
    });
    const again = await get(`${compute}/servers/${id}`);
    assert.ok(
      again.server.addresses.web.some(
        (address: Body) => address['OS-EXT-IPS:type'] === 'floating' && address.addr === floatingIp.floating_ip_address,
      ),
    );
    // os_security_group: the group, then each rule that is missing.
    const group = await create('security-groups', 'security_group', { name: 'web', description: 'web' });
    const rule = { security_group_id: group.id, direction: 'ingress', protocol: 'tcp', ethertype: 'IPv4' };
    const ported = { ...rule, port_range_min: 80, port_range_max: 80, remote_ip_prefix: '0.0.0.0/0' };
    await create('security-group-rules', 'security_group_rule', ported);
    await send(409, 'POST', `${network}/security-group-rules`, { token, body: { security_group_rule: ported } });
    await send(202, 'POST', `${compute}/servers/${id}/action`, { token, body: { addSecurityGroup: { name: 'web' } } });
    await send(204, 'DELETE', `${compute}/servers/${id}`, { token });
    await send(404, 'GET', `${compute}/servers/${id}`, { token });
    const left = await get(`${network}/floatingips/${floatingIp.id}`);
    assert.equal(left.floatingip.port_id, null);
    await send(204, 'DELETE', `${network}/security-groups/${group.id}`, { token });
  });
});

test('Tempest: dynamic credentials, made, used and cleaned up', async () => {
  await withApiCloud(async (cloud) => {
    const { token, body } = await signIn(cloud, 'admin');
    const identity = endpoint(body, 'identity');
    const network = `${endpoint(body, 'network')}/v2.0`;
    const domains = await send(200, 'GET', `${identity}domains?name=Default`, { token });
    const domain = domains.body.domains[0].id;
    const project = (
      await send(201, 'POST', `${identity}projects`, {
        token,
        body: { project: { name: 'tempest-1', description: 'tempest-1-desc', domain_id: domain, enabled: true } },
      })
    ).body.project;
    const user = (
      await send(201, 'POST', `${identity}users`, {
        token,
        body: {
          user: {
            ...{ name: 'tempest-1-user', password: 'Aa1secret', email: 'tempest@example.org', enabled: true },
            ...{ domain_id: domain, project_id: project.id, default_project_id: project.id },
          },
        },
      })
    ).body.user;
    const { roles } = (await send(200, 'GET', `${identity}roles`, { token })).body;
    await send(409, 'POST', `${identity}roles`, { token, body: { role: { name: 'member' } } });
    const member = roles.find((role: Body) => role.name === 'member').id;
    const grant = `${identity}projects/${project.id}/users/${user.id}/roles/${member}`;
    await send(204, 'PUT', grant, { token });
    await send(204, 'HEAD', grant, { token });
    // A network, subnet and router for the project, made by the admin in its name.
    const inProject = async (path: string, name: string, values: Body) =>
      (
        await send(201, 'POST', `${network}/${path}`, {
          token,
          body: { [name]: { ...values, project_id: project.id } },
        })
      ).body[name];
    const net = await inProject('networks', 'network', { name: 'tempest-net' });
    assert.deepEqual([net.project_id, net.tenant_id], [project.id, project.id]);
    const subnet = await inProject('subnets', 'subnet', {
      ...{ name: 'tempest-subnet', network_id: net.id, cidr: '10.100.0.0/28', ip_version: 4 },
    });
    const router = await inProject('routers', 'router', { name: 'tempest-router', admin_state_up: true });
    await send(200, 'PUT', `${network}/routers/${router.id}/add_router_interface`, {
      token,
      body: { subnet_id: subnet.id },
    });

    const tempest = await passwordToken(identity, 'tempest-1-user', 'Aa1secret', 'tempest-1');
    assert.deepEqual(tempest.body.roles.map((role: Body) => role.name).sort(), ['member', 'reader']);
    const mine = await send(200, 'GET', `${network}/networks?name=tempest-net`, { token: tempest.token });
    assert.equal(mine.body.networks.length, 1);
    const self = { token, headers: { 'x-subject-token': tempest.token } };
    await send(200, 'GET', `${identity}auth/tokens`, self);
    await send(403, 'GET', `${identity}users`, { token: tempest.token });
    await send(403, 'POST', `${network}/networks`, {
      token: tempest.token,
      body: { network: { name: 'x', 'router:external': true } },
    });
    await send(400, 'POST', `${network}/networks`, { token: tempest.token, body: { network: { nonsense: 1 } } });
    const port = (
      await send(201, 'POST', `${network}/ports`, { token: tempest.token, body: { port: { network_id: net.id } } })
    ).body.port;
    await send(204, 'DELETE', `${network}/ports/${port.id}`, { token: tempest.token });
    await send(204, 'DELETE', `${identity}auth/tokens`, self);
    await send(401, 'GET', `${network}/networks`, { token: tempest.token });

    await send(200, 'PUT', `${network}/routers/${router.id}/remove_router_interface`, {
      token,
      body: { subnet_id: subnet.id },
    });
    await send(204, 'DELETE', `${network}/routers/${router.id}`, { token });
    await send(204, 'DELETE', `${network}/subnets/${subnet.id}`, { token });
    await send(204, 'DELETE', `${network}/networks/${net.id}`, { token });
    await send(204, 'DELETE', `${identity}users/${user.id}`, { token });
    const groups = await send(200, 'GET', `${network}/security-groups?tenant_id=${project.id}&name=default`, { token });
    assert.equal(groups.body.security_groups.length, 1);
    for (const group of groups.body.security_groups) {
      await send(204, 'DELETE', `${network}/security-groups/${group.id}`, { token });
    }
    await send(204, 'DELETE', `${identity}projects/${project.id}`, { token });
    await send(404, 'GET', `${identity}projects/${project.id}`, { token });
  });
});

test('Horizon: unscoped sign-in, projects, scope by token, sign-out', async () => {
  await withApiCloud(async (cloud) => {
    const password = cloud.passwordOf('demo');
    const identity = `${cloud.url}/identity/v3`;
    await send(200, 'GET', identity);
    const user = { name: 'demo', domain: { name: 'Default' }, password };
    const unscoped = await send(201, 'POST', `${identity}/auth/tokens`, {
      body: { auth: { identity: { methods: ['password'], password: { user } }, scope: 'unscoped' } },
    });
    assert.equal(unscoped.body.token.project, undefined);
    const token = unscoped.headers.get('x-subject-token') as string;
    const projects = await send(200, 'GET', `${identity}/users/${unscoped.body.token.user.id}/projects`, { token });
    assert.deepEqual(
      projects.body.projects.map((project: Body) => project.name),
      ['demo'],
    );
    const byToken = { methods: ['token'], token: { id: token } };
    const [{ id }] = projects.body.projects;
    const scoped = await send(201, 'POST', `${identity}/auth/tokens`, {
      body: { auth: { identity: byToken, scope: { project: { id } } } },
    });
    assert.deepEqual(scoped.body.token.methods.sort(), ['password', 'token']);
    assert.equal(scoped.body.token.expires_at, unscoped.body.token.expires_at);
    await send(401, 'POST', `${identity}/auth/tokens`, {
      body: { auth: { identity: byToken, scope: { domain: { name: 'Default' } } } },
    });
    const used = scoped.headers.get('x-subject-token') as string;
    const network = `${endpoint(scoped.body.token, 'network')}/v2.0`;
    for (const path of [
      ...['extensions', `networks?tenant_id=${id}`, 'networks?shared=True', 'networks?router%3Aexternal=True'],
      ...[`floatingips?tenant_id=${id}`, `ports?tenant_id=${id}`, `security-groups?tenant_id=${id}`, 'subnets'],
      ...[`routers?tenant_id=${id}`, 'availability_zones', 'subnetpools'],
    ]) {
      await send(200, 'GET', `${network}/${path}`, { token: used });
    }
    const compute = endpoint(scoped.body.token, 'compute');
    for (const path of [
      ...['servers/detail', 'flavors/detail', 'limits', 'os-keypairs', 'os-availability-zone', 'extensions'],
      `os-quota-sets/${id}`,
    ]) {
      await send(200, 'GET', `${compute}/${path}`, { token: used });
    }
    for (const gone of [used, token]) {
      await send(204, 'DELETE', `${identity}/auth/tokens`, { token: gone, headers: { 'x-subject-token': gone } });
      await send(401, 'GET', `${identity}/auth/projects`, { token: gone });
    }
  });
});

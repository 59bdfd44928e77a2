import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { aliceCloud, TestApi } from '../http/test-api.ts';

let api: TestApi;
let cloud: Awaited<ReturnType<typeof aliceCloud>>;

before(async () => {
  api = await TestApi.start();
  cloud = await aliceCloud(api);
});
after(() => api.stop());

test('without a token: Keystone’s middleware speaks', async () => {
  const answer = await api.send('nobody', 'GET', '/networks');
  assert.equal(answer.status, 401);
  assert.deepEqual(answer.body, {
    error: { code: 401, title: 'Unauthorized', message: 'The request you have made requires authentication.' },
  });
  assert.match(String(answer.headers['www-authenticate']), /^Keystone uri=/);
});

/** Rules that are refused, as [values, status, type]. */
const RULE_REFUSALS: [object, number, string][] = [
  [{ direction: 'in' }, 400, 'HTTPBadRequest'],
  [{ ethertype: 'IPv5' }, 400, 'SecurityGroupRuleInvalidEtherType'],
  [{ protocol: 'any' }, 400, 'SecurityGroupRuleInvalidProtocol'],
  [{ protocol: 'icmpv6' }, 400, 'SecurityGroupEthertypeConflictWithProtocol'],
  [{ protocol: 'tcp', port_range_min: 80, port_range_max: 22 }, 400, 'SecurityGroupInvalidPortRange'],
  [{ protocol: 'tcp', port_range_min: 80 }, 400, 'SecurityGroupInvalidPortRange'],
  [{ protocol: 'tcp', port_range_min: 0, port_range_max: 1 }, 400, 'SecurityGroupInvalidPortValue'],
  [{ protocol: 'tcp', port_range_min: 1, port_range_max: 65_536 }, 400, 'SecurityGroupInvalidPortValue'],
  [{ protocol: 'tcp', port_range_min: 'a', port_range_max: 1 }, 400, 'SecurityGroupInvalidPortValue'],
  [{ port_range_min: 1, port_range_max: 2 }, 400, 'SecurityGroupProtocolRequiredWithPorts'],
  [{ protocol: 'vrrp', port_range_min: 1, port_range_max: 2 }, 400, 'SecurityGroupInvalidProtocolForPort'],
  [{ protocol: 'icmp', port_range_min: 256 }, 400, 'SecurityGroupInvalidIcmpValue'],
  [{ protocol: 'icmp', port_range_max: 0 }, 400, 'SecurityGroupMissingIcmpType'],
  [{ remote_ip_prefix: 'x' }, 400, 'InvalidCIDR'],
  [{ remote_ip_prefix: 'fd00::/8' }, 400, 'SecurityGroupRuleParameterConflict'],
];

test('security groups: the default one, its rules, refusals, duplicates', async () => {
  const [group] = await api.expect('alice', 'GET', '/security-groups?name=default');
  assert.equal(group.security_group_rules.length, 4);
  assert.equal((await api.send('alice', 'DELETE', `/security-groups/${group.id}`)).status, 409);
  const own = await api.create('alice', '/security-groups', 'security_group', { name: 'web' });
  assert.deepEqual(
    own.security_group_rules.map((rule: { direction: string }) => rule.direction),
    ['egress', 'egress'],
  );
  const rule = (values: object) =>
    api.send('alice', 'POST', '/security-group-rules', {
      security_group_rule: { security_group_id: own.id, direction: 'ingress', ...values },
    });
  for (const [values, status, type] of RULE_REFUSALS) {
    const answer = await rule(values);
    assert.deepEqual([answer.status, answer.body.NeutronError.type], [status, type], JSON.stringify(values));
  }
  const made = await rule({
    protocol: 'TCP',
    port_range_min: '22',
    port_range_max: 22,
    remote_ip_prefix: '10.1.2.3/8',
  });
  assert.equal(made.status, 201);
  assert.deepEqual(
    [
      made.body.security_group_rule.protocol,
      made.body.security_group_rule.port_range_min,
      made.body.security_group_rule.normalized_cidr,
    ],
    ['tcp', 22, '10.0.0.0/8'],
  );
  assert.equal((await rule({ protocol: 'udp' })).status, 201);
  for (const same of [
    { protocol: 'udp', description: 'again' },
    { protocol: '17' },
    { protocol: 'udp', remote_ip_prefix: '0.0.0.0/0' },
  ]) {
    const answer = await rule(same);
    assert.deepEqual(
      [answer.status, answer.body.NeutronError.type],
      [409, 'SecurityGroupRuleExists'],
      JSON.stringify(same),
    );
  }
  assert.equal(
    (await rule({ protocol: 'tcp', port_range_min: 1, port_range_max: 65_535 })).body.security_group_rule
      .port_range_min,
    null,
  );
  assert.equal((await api.send('bob', 'GET', `/security-groups/${own.id}`)).status, 404);
  assert.equal((await api.send('alice', 'DELETE', `/security-groups/${own.id}`)).status, 204);
});

test('lists: filters, fields, sorting, pages both ways', async () => {
  for (const name of ['c', 'a', 'b']) await api.create('bob', '/networks', 'network', { name, description: 'page' });
  const names = async (query: string) =>
    (await api.expect('bob', 'GET', `/networks?${query}`)).map((item: { name: string }) => item.name);
  assert.deepEqual(await names('description=page&sort_key=name&sort_dir=asc'), ['a', 'b', 'c']);
  assert.deepEqual(await names('name=a&name=b&sort_key=name&sort_dir=desc'), ['b', 'a']);
  assert.deepEqual(await names('name='), []);
  assert.deepEqual(await names('router:external=True'), ['ext-net']);
  assert.deepEqual(await api.expect('bob', 'GET', '/networks?name=a&fields=name&fields=mtu&fields=nope'), [
    { name: 'a', mtu: 1500 },
  ]);
  const first = await api.send('bob', 'GET', '/networks?description=page&sort_key=name&sort_dir=asc&limit=2');
  const links = Object.fromEntries(
    first.body.networks_links.map((link: { rel: string; href: string }) => [link.rel, link.href]),
  );
  const follow = async (href: string) => (await api.send('bob', 'GET', href.replace(/^.*\/v2\.0/, ''))).body;
  const second = await follow(links.next);
  assert.deepEqual(
    second.networks.map((item: { name: string }) => item.name),
    ['c'],
  );
  const back = second.networks_links.find((link: { rel: string }) => link.rel === 'previous');
  assert.deepEqual(
    (await follow(back.href)).networks.map((item: { name: string }) => item.name),
    ['a', 'b'],
  );
  assert.equal((await api.send('bob', 'GET', '/networks?description=none&limit=2')).body.networks_links, undefined);
  assert.ok(
    !('provider:network_type' in (await api.expect('bob', 'GET', '/networks?name=a'))[0]),
    'hidden from who is no admin',
  );
  assert.equal((await api.expect('admin', 'GET', '/networks?name=a'))[0]['provider:network_type'], 'local');
});

test('tags and If-Match', async () => {
  const network = await api.create('bob', '/networks', 'network', { name: 'tagged' });
  const tags = `/networks/${network.id}/tags`;
  assert.deepEqual(await api.expect('bob', 'PUT', tags, { tags: ['red', 'blue'] }), ['blue', 'red']);
  assert.equal((await api.send('bob', 'PUT', `${tags}/green`)).status, 201);
  assert.equal((await api.send('bob', 'GET', `${tags}/green`)).status, 204);
  assert.equal((await api.send('bob', 'GET', `${tags}/grey`)).body.NeutronError.type, 'TagNotFound');
  assert.equal((await api.send('bob', 'DELETE', `${tags}/grey`)).status, 404);
  assert.equal((await api.send('alice', 'GET', tags)).body.NeutronError.type, 'TagResourceNotFound');
  assert.equal((await api.send('bob', 'PUT', tags, { tags: ['a', 'a'] })).status, 400);
  assert.equal((await api.send('bob', 'PUT', tags, { tags: 'a' })).status, 400);
  assert.equal((await api.send('bob', 'PUT', tags, {})).status, 400);
  const matching = async (query: string) => (await api.expect('bob', 'GET', `/networks?name=tagged&${query}`)).length;
  assert.deepEqual(
    [
      await matching('tags=red,blue'),
      await matching('tags=red,grey'),
      await matching('tags-any=red,grey'),
      await matching('not-tags=red,grey'),
      await matching('not-tags-any=red,grey'),
    ],
    [1, 0, 1, 1, 0],
  );
  const { revision_number: revision } = await api.expect('bob', 'GET', `/networks/${network.id}`);
  assert.ok(revision > network.revision_number);
  const put = (match: string) =>
    api.send('bob', 'PUT', `/networks/${network.id}`, { network: { name: 'tagged2' } }, { 'if-match': match });
  const stale = await put(`revision_number=${revision - 1}`);
  assert.deepEqual([stale.status, stale.body.NeutronError.type], [412, 'RevisionNumberConstraintFailed']);
  assert.equal((await put(`revision_number=${revision}`)).status, 200);
  assert.equal((await put('"etag"')).status, 200);
  assert.equal((await api.send('bob', 'DELETE', tags)).status, 204);
});

test('addresses: of many ports made at once none has another’s, and none is lost', async () => {
  const network = await api.create('bob', '/networks', 'network', { name: 'small' });
  const subnet = await api.create('bob', '/subnets', 'subnet', {
    network_id: network.id,
    ip_version: 4,
    cidr: '10.5.0.0/28',
  });
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => api.send('bob', 'POST', '/ports', { port: { network_id: network.id } })),
  );
  const made = answers.filter((answer) => answer.status === 201).map((answer) => answer.body.port);
  assert.equal(made.length, 13, '16 less network, broadcast and gateway');
  assert.equal(new Set(made.map((port) => port.fixed_ips[0].ip_address)).size, 13);
  const refused = answers.find((answer) => answer.status !== 201);
  assert.deepEqual([refused?.status, refused?.body.NeutronError.type], [409, 'IpAddressGenerationFailure']);
  for (const port of made) assert.equal((await api.send('bob', 'DELETE', `/ports/${port.id}`)).status, 204);
  assert.equal((await api.send('bob', 'DELETE', `/subnets/${subnet.id}`)).status, 204);
  assert.equal((await api.send('bob', 'DELETE', `/networks/${network.id}`)).status, 204);
});

test('a floating IP is associated, shows its port, and is disassociated when the port goes', async () => {
  const port = await api.create('alice', '/ports', 'port', { network_id: cloud.network.id, name: 'web' });
  const floatingIp = await api.create('alice', '/floatingips', 'floatingip', {
    floating_network_id: cloud.external.id,
    port_id: port.id,
  });
  assert.equal(floatingIp.fixed_ip_address, port.fixed_ips[0].ip_address);
  assert.equal(floatingIp.router_id, cloud.router.id);
  assert.equal(floatingIp.port_details.name, 'web');
  const other = await api.send('alice', 'POST', '/floatingips', {
    floatingip: { floating_network_id: cloud.external.id, port_id: port.id },
  });
  assert.deepEqual([other.status, other.body.NeutronError.type], [409, 'FloatingIPPortAlreadyAssociated']);
  assert.equal(
    (await api.send('alice', 'PUT', `/floatingips/${floatingIp.id}`, { floatingip: {} })).body.floatingip.port_id,
    port.id,
  );
  assert.equal((await api.send('alice', 'DELETE', `/ports/${port.id}`)).status, 204);
  const left = await api.expect('alice', 'GET', `/floatingips/${floatingIp.id}`);
  assert.deepEqual(
    [left.port_id, left.fixed_ip_address, left.router_id, left.status, left.port_details],
    [null, null, null, 'DOWN', null],
  );
});

test('a distributed router has a port for address translation on each of its subnets while it has a gateway', async () => {
  const router = await api.create('admin', '/routers', 'router', { distributed: true, ha: true });
  const network = await api.create('admin', '/networks', 'network', {});
  const subnet = await api.create('admin', '/subnets', 'subnet', {
    network_id: network.id,
    ip_version: 4,
    cidr: '10.77.0.0/24',
  });
  await api.send('admin', 'PUT', `/routers/${router.id}/add_router_interface`, { subnet_id: subnet.id });
  const owners = async () =>
    (await api.expect('admin', 'GET', `/ports?device_id=${router.id}`))
      .map((port: { device_owner: string }) => port.device_owner)
      .sort();
  assert.deepEqual(await owners(), ['network:router_interface_distributed']);
  await api.expect('admin', 'PUT', `/routers/${router.id}`, {
    router: { external_gateway_info: { network_id: cloud.external.id } },
  });
  assert.deepEqual(await owners(), [
    'network:router_centralized_snat',
    'network:router_gateway',
    'network:router_interface_distributed',
  ]);
  await api.expect('admin', 'PUT', `/routers/${router.id}`, { router: { external_gateway_info: null } });
  assert.deepEqual(await owners(), ['network:router_interface_distributed']);
  assert.equal(
    (await api.send('admin', 'PUT', `/routers/${router.id}`, { router: { distributed: false } })).status,
    400,
  );
  await api.expect('admin', 'PUT', `/routers/${router.id}`, { router: { distributed: false, admin_state_up: false } });
  assert.deepEqual(await owners(), ['network:router_interface']);
});
